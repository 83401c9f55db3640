import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttp2, type ServerHttp2Stream } from 'node:http2';
import type { Server } from 'node:net';
import { Finding } from './oracle.ts';
import { listen } from './world.ts';

/** A request that may reach an instance, as a strict reading of the client's bytes has it. */
export interface Expected {
  id: string;
  method: string;
  path: string;
  body: Buffer;
  /** The client sent its body to the end. */
  whole: boolean;
  /** It said how long its body is: once all of that has come, nothing is missing. */
  announced?: boolean;
  /** No instance may get it. */
  refused?: boolean;
}

/** What a client gave up may still arrive while so many later cases of its lane run. */
const CASES_KEPT = 20;

/** What is expected of the cases of a lane, and what came instead. */
export class Ledger {
  /** By case, the last one at the end. */
  readonly #expected: Map<string, Expected>[] = [];
  readonly #arrived = new Set<string>();
  #problem: Finding | undefined;

  expect(requests: readonly Expected[]): void {
    const sound = requests.filter(({ refused }) => !refused);
    this.#expected.push(new Map(sound.map((request) => [request.id, request])));
    if (this.#expected.length > CASES_KEPT) this.#expected.shift();
    this.#arrived.clear();
  }

  failed(kind: string, detail: string): void {
    this.#problem ??= new Finding(kind, detail);
  }

  /** @throws Finding */
  check(): void {
    const problem = this.#problem;
    this.#problem = undefined;
    if (problem) throw problem;
  }

  /** A head reached an instance. @returns the id that the answer carries. */
  head(id: string, method: string, path: string, evil: boolean): void {
    if (evil) this.failed('SMUGGLED: a field that no strict reading has', id);
    const expected = this.#find(id);
    if (!expected)
      this.failed(
        'SMUGGLED: a request reached an instance that no strict reading of the bytes has',
        `${id} ${method} ${path}`,
      );
    else if (expected.method !== method || expected.path !== path) {
      this.failed(
        'a request was changed on its way',
        `${method} ${path}, not ${expected.method} ${expected.path}`,
      );
    } else if (this.#arrived.has(id)) this.failed('a request reached an instance twice', id);
    this.#arrived.add(id);
  }

  #find(id: string): Expected | undefined {
    return this.#expected.findLast((expected) => expected.has(id))?.get(id);
  }

  /** @param whole whether the instance takes the body for complete. */
  body(id: string, body: Buffer, whole: boolean): void {
    const expected = this.#find(id);
    if (!expected) return;
    if (whole && !expected.whole && !(expected.announced && body.length === expected.body.length))
      this.failed('half of an upload looks whole to an instance', `${id}: ${body.length} bytes`);
    if (
      !expected.body.subarray(0, body.length).equals(body) ||
      (whole && body.length !== expected.body.length)
    ) {
      this.failed(
        'another body than the client framed reached an instance',
        `${id}: ${body.length} of ${expected.body.length}: ${body.toString('latin1', 0, 100)}, not ${expected.body.toString('latin1', 0, 100)}`,
      );
    }
  }
}

export interface StrictInstance {
  port: number;
  close(): void;
}

/** What an upload that is broken off looks like, and bytes above 0x7f in a target, which pass as they came. */
const PARDONED = new Set(['HPE_INVALID_EOF_STATE', 'HPE_INVALID_URL']);

/** A strict program on HTTP/1.1 that says which request it answers; `x-agree` makes it switch protocols. */
export async function strictH1(ledger: Ledger): Promise<StrictInstance> {
  const take = (request: IncomingMessage): string => {
    const id = String(request.headers['x-id'] ?? '');
    ledger.head(id, request.method ?? '', request.url ?? '', 'x-evil' in request.headers);
    return id;
  };
  const options = {
    maxHeaderSize: 512 * 1024,
    insecureHTTPParser: false,
    shouldUpgradeCallback: (request: IncomingMessage) => request.headers['x-agree'] !== undefined,
  };
  const server = createServer(options as object, (request: IncomingMessage, response: ServerResponse) => {
    const id = take(request);
    const body: Buffer[] = [];
    request.on('data', (chunk: Buffer) => body.push(chunk));
    request.on('error', () => {});
    request.on('close', () => {
      if (!request.complete) ledger.body(id, Buffer.concat(body), false);
    });
    request.on('end', () => {
      if (!request.complete) return;
      ledger.body(id, Buffer.concat(body), true);
      response.writeHead(200, { 'x-id': id });
      response.end(`ok:${id}`, 'latin1');
    });
  });
  server.maxHeadersCount = 0;
  server.on('upgrade', (request, socket) => {
    take(request);
    socket.on('error', () => {});
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: ${request.headers.upgrade}\r\n\r\n`,
    );
    socket.resume();
    socket.on('end', () => socket.end());
  });
  server.on('clientError', (error: Error & { code?: string }, socket) => {
    const { code = '' } = error;
    if (code.startsWith('HPE_') && !PARDONED.has(code)) {
      ledger.failed(`an instance got what is no HTTP: ${code}`, error.message);
    }
    if (code === 'HPE_INVALID_URL')
      socket.end('HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
    else socket.destroy();
  });
  const port = await listen(server);
  const close = (): void => {
    server.close();
    server.closeAllConnections();
  };
  return { port, close };
}

/** The same on h2c. */
export async function strictH2(ledger: Ledger): Promise<StrictInstance> {
  const server = createHttp2({
    settings: { maxConcurrentStreams: 1000, maxHeaderListSize: 512 * 1024 },
    maxHeaderListPairs: 10_000,
  } as object);
  const sessions = new Set<{ destroy(): void }>();
  server.on('session', (session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
    session.on('error', () => {});
  });
  server.on('sessionError', (error: Error & { code?: string }) => {
    if (error.code === 'ERR_HTTP2_ERROR') ledger.failed('an instance got what is no HTTP/2', error.message);
  });
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    const id = String(headers['x-id'] ?? '');
    ledger.head(id, String(headers[':method']), String(headers[':path']), 'x-evil' in headers);
    const body: Buffer[] = [];
    let over = false;
    stream.on('data', (chunk: Buffer) => body.push(chunk));
    stream.on('error', () => {});
    stream.on('end', () => {
      if (stream.aborted || (stream.rstCode ?? 0) !== 0 || stream.destroyed) return;
      over = true;
      ledger.body(id, Buffer.concat(body), true);
      stream.respond({ 'x-id': id });
      stream.end(`ok:${id}`, 'latin1');
    });
    stream.on('close', () => {
      if (!over) ledger.body(id, Buffer.concat(body), false);
    });
  });
  const port = await listen(server as unknown as Server);
  const close = (): void => {
    server.close();
    for (const session of sessions) session.destroy();
  };
  return { port, close };
}
