import { on, once } from 'node:events';

/** Runs in the process that is asked, on all its timers. */
const LIST = `function () {
  const lineOf = (text) => String(text).replace(/\\s+/g, ' ').slice(0, 200);
  const sockets = process._getActiveHandles().filter(({ remotePort }) => remotePort !== undefined);
  const timers = this.filter((timer) => !timer._destroyed && timer.hasRef());
  return [
    process.getActiveResourcesInfo().join(' '),
    ...sockets.map(({ remoteAddress, remotePort }) => 'socket to ' + remoteAddress + ':' + remotePort),
    ...timers.map(({ _idleTimeout, _onTimeout }) => 'timer of ' + _idleTimeout + ' ms: ' + lineOf(_onTimeout)),
  ];
}`;
const PROTOTYPE_OF_TIMERS =
  '(() => { const timer = setTimeout(() => {}); clearTimeout(timer); return Object.getPrototypeOf(timer); })()';

/**
 * What keeps the process behind an inspector alive, one thing a line: the kinds of its resources, what its sockets are
 * connected to, and what its timers call. For a process that has nothing left to do and does not end.
 * @param url of the inspector, as the process prints it: `ws://127.0.0.1:PORT/ID`.
 */
export async function resourcesOf(url: string): Promise<string[]> {
  const socket = new WebSocket(url);
  await once(socket, 'open');
  const messages = on(socket, 'message');
  let id = 0;
  const ask = async (method: string, params: object) => {
    socket.send(JSON.stringify({ id: ++id, method, params }));
    for (;;) {
      const { value } = await messages.next();
      const message = JSON.parse((value as [MessageEvent])[0].data);
      if (message.id === id) return message.result;
    }
  };
  const prototype = await ask('Runtime.evaluate', { expression: PROTOTYPE_OF_TIMERS });
  const timers = await ask('Runtime.queryObjects', { prototypeObjectId: prototype.result.objectId });
  const call = { objectId: timers.objects.objectId, functionDeclaration: LIST, returnByValue: true };
  const { result } = await ask('Runtime.callFunctionOn', call);
  socket.close();
  return result.value;
}

// A command of its own, because the process may be in another network namespace (e2e/in).
if (import.meta.main) for (const line of await resourcesOf(process.argv[2] ?? '')) console.log(`    ${line}`);
