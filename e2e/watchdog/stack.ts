import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

interface CallFrame {
  functionName: string;
  location: { scriptId: string; lineNumber: number; columnNumber?: number };
}

/** Several, because one look does not tell a loop from a step that is only slow. */
const SAMPLES = 3;
const BETWEEN_MS = 100;

/**
 * Where the process behind an inspector is: a few samples of its stack, one frame a line (Chrome DevTools Protocol,
 * Debugger.pause). Resolves only when the process runs JavaScript.
 * @param url of the inspector, as the process prints it: `ws://127.0.0.1:PORT/ID`.
 */
export async function* stacksOf(url: string): AsyncGenerator<string, void, undefined> {
  const socket = new WebSocket(url);
  await once(socket, 'open');
  let id = 0;
  const send = (method: string) => socket.send(JSON.stringify({ id: ++id, method }));
  let paused = Promise.withResolvers<CallFrame[]>();
  const urls = new Map<string, string>();
  socket.addEventListener('message', ({ data }) => {
    const { method, params } = JSON.parse(String(data));
    if (method === 'Debugger.scriptParsed') urls.set(params.scriptId, params.url);
    if (method === 'Debugger.paused') paused.resolve(params.callFrames);
  });
  send('Debugger.enable');
  for (let sample = 0; sample < SAMPLES; sample++) {
    if (sample > 0) await sleep(BETWEEN_MS);
    paused = Promise.withResolvers();
    send('Debugger.pause');
    yield (await paused.promise).map((frame) => lineOf(frame, urls)).join('\n');
    send('Debugger.resume');
  }
  socket.close();
}

function lineOf({ functionName, location }: CallFrame, urls: ReadonlyMap<string, string>): string {
  const { scriptId, lineNumber, columnNumber = 0 } = location;
  return `    at ${functionName || '<anonymous>'} (${urls.get(scriptId)}:${lineNumber + 1}:${columnNumber + 1})`;
}

// A command of its own, because the process may be in another network namespace (e2e/in).
if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for await (const stack of stacksOf(process.argv[2] ?? '')) console.log(`  sample:\n${stack}`);
}
