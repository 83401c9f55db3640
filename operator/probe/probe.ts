import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { http2, httpRequest } from '../builtins.ts';
import { httpOrigin } from '../gateway/shared/origin.ts';
import type { Attempt, StartCheck } from './attempt.ts';

export interface ProbeOptions {
  /** The attempts end after this time without success. */
  limitMs: number;
  signal: AbortSignal;
}

/**
 * Waits until an instance has started. Attempts follow each other in small constant steps, because requests
 * wait for them.
 * @param host the instance's own address; it must exist (dialling one that does not costs a second of ARP).
 * @returns false when the limit passed or the signal came first; it never rejects.
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
  } catch {
    // Only the pauses throw, when the signal aborts them.
  }
  return false;
}

/** Most programs listen within a second or two; for slower ones a hundredth of a second matters less. */
function pause(elapsed: number): number {
  if (elapsed < 2000) return 10;
  return elapsed < 10_000 ? 25 : 50;
}

/**
 * One attempt. Resolves to false for every failure, also for a path, header or port that cannot be sent at all: objects
 * from before admission rejected them may exist. Never rejects, and leaves nothing open.
 */
export function attemptPasses(host: string, attempt: Attempt, signal: AbortSignal): Promise<boolean> {
  if (attempt.kind === 'http') return httpPasses(host, attempt, signal);
  if (attempt.kind === 'grpc') return grpcPasses(host, attempt, signal);
  const { port, timeoutMs } = attempt;
  return outcomeOf({
    open: () => connect({ host, port, noDelay: true }),
    follow: (socket, done) => socket.on('connect', () => done(true)),
    timeoutMs,
    signal,
  });
}

function httpPasses(
  host: string,
  { port, path, headers, timeoutMs }: Attempt & { kind: 'http' },
  signal: AbortSignal,
): Promise<boolean> {
  return outcomeOf({
    open: () =>
      httpRequest({
        host,
        port,
        path,
        agent: false,
        headers: { 'user-agent': 'homerun-probe', connection: 'close', ...headers },
      }),
    follow: (call, done) => {
      call.on('response', ({ statusCode = 0 }) => done(statusCode >= 200 && statusCode < 400));
      call.end();
    },
    timeoutMs,
    signal,
  });
}

/** A health response has a few bytes; a server that sends more than this is no health service. */
const LONGEST_HEALTH_RESPONSE = 4096;

function grpcPasses(
  host: string,
  { port, service, timeoutMs }: Attempt & { kind: 'grpc' },
  signal: AbortSignal,
): Promise<boolean> {
  return outcomeOf({
    open: () => http2().connect(httpOrigin(host, port)),
    follow: (session, done) => {
      const stream = session.request({
        ':method': 'POST',
        ':path': '/grpc.health.v1.Health/Check',
        'content-type': 'application/grpc',
        te: 'trailers',
      });
      const parts: Buffer[] = [];
      let size = 0;
      stream.on('data', (part: Buffer) => {
        size += part.length;
        if (size > LONGEST_HEALTH_RESPONSE) done(false);
        else parts.push(part);
      });
      stream.on('error', () => done(false));
      stream.on('end', () => done(isServing(Buffer.concat(parts))));
      stream.end(healthRequest(service));
    },
    timeoutMs,
    signal,
  });
}

/** What an attempt holds open: a socket, a request or a session. */
interface Exchange {
  on(event: 'error' | 'close', listener: () => void): unknown;
  destroy(): void;
}

interface OutcomeOptions<E extends Exchange> {
  open: () => E;
  /** Sends the request, and calls `done` with the outcome; only the first call counts. */
  follow: (exchange: E, done: (passed: boolean) => void) => void;
  timeoutMs: number;
  signal: AbortSignal;
}

/** The outcome of an exchange; false when it cannot begin, breaks, times out or is aborted. Never rejects. */
function outcomeOf<E extends Exchange>({
  open,
  follow,
  timeoutMs,
  signal,
}: OutcomeOptions<E>): Promise<boolean> {
  return new Promise((resolve) => {
    let exchange: E | undefined;
    const done = (passed: boolean): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', fail);
      exchange?.destroy();
      resolve(passed);
    };
    const fail = (): void => done(false);
    const timer = setTimeout(fail, timeoutMs);
    signal.addEventListener('abort', fail, { once: true });
    try {
      exchange = open();
      exchange.on('error', fail);
      exchange.on('close', fail);
      follow(exchange, done);
    } catch {
      fail();
    }
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
