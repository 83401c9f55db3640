import { once } from 'node:events';

/**
 * Steps the wall clock of a Node process, as its main thread sees it, by so many milliseconds; 0 puts it right again. The
 * process listens for inspectors after SIGUSR1 (Node.js, Signal events). A command, as it must run in the network of a pod.
 */
const [, , pid = '', stepMs = ''] = process.argv;
process.kill(Number(pid), 'SIGUSR1');
const [target] = await inspector();
const socket = new WebSocket(target.webSocketDebuggerUrl);
await once(socket, 'open');
const expression = `(() => {
  const real = (globalThis.__realNow ??= Date.now);
  Date.now = () => real() + (${Number(stepMs)});
})()`;
socket.send(JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression } }));
const [{ data }] = (await once(socket, 'message')) as [MessageEvent];
const { result } = JSON.parse(String(data));
if (result?.exceptionDetails) throw new Error(JSON.stringify(result.exceptionDetails));
socket.close();

async function inspector(): Promise<[{ webSocketDebuggerUrl: string }]> {
  const end = performance.now() + 10_000;
  for (;;) {
    try {
      return (await (await fetch('http://127.0.0.1:9229/json/list')).json()) as [
        { webSocketDebuggerUrl: string },
      ];
    } catch (error) {
      if (performance.now() > end) throw error;
    }
  }
}
