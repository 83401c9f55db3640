import type { ServerResponse } from 'node:http';

/** The log of a container: lines that begin with their time to the nanosecond, in the order of time. */
export interface FakeLog {
  count: number;
  lineAt(index: number): string;
  /** Answers with this status instead. */
  fails?: number;
}

/** A log of lines as they are. */
export function fakeLog(...lines: string[]): FakeLog {
  return { count: lines.length, lineAt: (index) => lines[index] ?? '' };
}

/** What a request for a log names; undefined for any other path. */
export function logKey(path: string, query: URLSearchParams): string | undefined {
  const [, namespace, pod] = path.match(/^\/api\/v1\/namespaces\/([^/]+)\/pods\/([^/]+)\/log$/) ?? [];
  if (!namespace) return undefined;
  return `${namespace}/${pod}/${query.get('container')}${query.get('previous') === 'true' ? '/previous' : ''}`;
}

/** Sends a log as the kubelet does: the last lines of it, of these what is not older, as fast as it is taken. */
export async function sendLog(
  response: ServerResponse,
  log: FakeLog,
  query: URLSearchParams,
): Promise<number> {
  const tail = query.get('tailLines');
  const since = query.get('sinceTime');
  const begin = tail === null ? 0 : Math.max(log.count - Number(tail), 0);
  const first = since === null ? 0 : firstSince(log, `${since.slice(0, 19)}.000000000Z`);
  response.writeHead(200, { 'content-type': 'text/plain' });
  const limit = Number(query.get('limitBytes') ?? Number.POSITIVE_INFINITY);
  let sent = 0;
  for (let index = Math.max(begin, first); index < log.count && sent < limit && !response.destroyed; ) {
    let text = '';
    while (text.length < 65_536 && index < log.count) text += `${log.lineAt(index++)}\n`;
    text = text.slice(0, limit - sent);
    sent += text.length;
    if (!response.write(text)) await taken(response);
  }
  response.end();
  return sent;
}

function taken(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      response.off('drain', end).off('close', end);
      resolve();
    };
    response.on('drain', end).on('close', end);
  });
}

function firstSince(log: FakeLog, time: string): number {
  let [low, high] = [0, log.count];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (log.lineAt(middle).slice(0, 30) < time) low = middle + 1;
    else high = middle;
  }
  return low;
}
