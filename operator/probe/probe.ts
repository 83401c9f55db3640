import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Attempt, StartCheck } from './attempt.ts';
import { http2, httpRequest } from './builtins.ts';

export interface ProbeOptions {
  /** The attempts end after this time without success. */
  limitMs: number;
  signal: AbortSignal;
}

/**
 * Waits until an instance has started. Attempts follow each other in small constant steps, because whoever waits for
 * the instance waits for them too.
 * @param host the instance's own address; it must exist (dialling one that does not costs a second of ARP).
 * @returns false when the limit passed or the signal came first.
 */
export async function untilStarted(
  host: string,
  { attempt, delayMs }: StartCheck,
  { limitMs, signal }: ProbeOptions,
): Promise<boolean> {
  const begun = performance.now();
  try {
    if (delayMs > 0) await sleep(delayMs, undefined, { signal, ref: false });
    while (!signal.aborted && performance.now() - begun < limitMs) {
      if (await attemptPasses(host, attempt, signal)) return !signal.aborted;
      await sleep(pause(performance.now() - begun), undefined, { signal, ref: false });
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return false;
}

/** Most programs listen within a second or two; for those that do not, a hundredth of a second matters less. */
function pause(elapsed: number): number {
  if (elapsed < 2000) return 10;
  return elapsed < 10_000 ? 25 : 50;
}

/** One attempt; never throws. */
export function attemptPasses(host: string, attempt: Attempt, signal: AbortSignal): Promise<boolean> {
  if (attempt.kind === 'http') return httpPasses(host, attempt, signal);
  if (attempt.kind === 'grpc') return grpcPasses(host, attempt, signal);
  return tcpPasses(host, attempt, signal);
}

function tcpPasses(host: string, { port, timeoutMs }: Attempt, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, noDelay: true });
    const done = (passed: boolean): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', fail);
      socket.destroy();
      resolve(passed);
    };
    const fail = (): void => done(false);
    const timer = setTimeout(fail, timeoutMs);
    signal.addEventListener('abort', fail, { once: true });
    socket.on('connect', () => done(true));
    socket.on('error', fail);
  });
}

function httpPasses(
  host: string,
  { port, path, headers, timeoutMs }: Attempt & { kind: 'http' },
  signal: AbortSignal,
): Promise<boolean> {
  return new Promise((resolve) => {
    const call = httpRequest({
      host,
      port,
      path,
      agent: false,
      headers: { 'user-agent': 'homerun-probe', connection: 'close', ...headers },
    });
    const done = (passed: boolean): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', fail);
      call.destroy();
      resolve(passed);
    };
    const fail = (): void => done(false);
    const timer = setTimeout(fail, timeoutMs);
    signal.addEventListener('abort', fail, { once: true });
    call.on('response', ({ statusCode = 0 }) => done(statusCode >= 200 && statusCode < 400));
    call.on('error', fail);
    call.end();
  });
}

function grpcPasses(
  host: string,
  { port, service, timeoutMs }: Attempt & { kind: 'grpc' },
  signal: AbortSignal,
): Promise<boolean> {
  return new Promise((resolve) => {
    const session = http2().connect(`http://${host.includes(':') ? `[${host}]` : host}:${port}`);
    const done = (passed: boolean): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', fail);
      session.destroy();
      resolve(passed);
    };
    const fail = (): void => done(false);
    const timer = setTimeout(fail, timeoutMs);
    signal.addEventListener('abort', fail, { once: true });
    session.on('error', fail);
    session.on('connect', () => {
      const stream = session.request({
        ':method': 'POST',
        ':path': '/grpc.health.v1.Health/Check',
        'content-type': 'application/grpc',
        te: 'trailers',
      });
      const parts: Buffer[] = [];
      stream.on('data', (part: Buffer) => parts.push(part));
      stream.on('error', fail);
      stream.on('end', () => done(isServing(Buffer.concat(parts))));
      stream.end(healthRequest(service));
    });
  });
}

/** A grpc.health.v1.HealthCheckRequest (field 1: service name) in a gRPC frame. */
export function healthRequest(service: string): Buffer {
  const name = Buffer.from(service);
  const message =
    name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a, ...varint(name.length)]), name]);
  const frame = Buffer.alloc(5);
  frame.writeUInt32BE(message.length, 1);
  return Buffer.concat([frame, message]);
}

/** Whether a framed HealthCheckResponse says SERVING (field 1, value 1). */
export function isServing(answer: Buffer): boolean {
  return answer.length >= 7 && answer[0] === 0 && answer[5] === 0x08 && answer[6] === 1;
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest >>>= 7) bytes.push((rest & 127) | 128);
  bytes.push(rest);
  return bytes;
}
