import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Container } from '../apis/serving/container/types.ts';
import { isBeforeTimer, until } from '../testing/until.ts';
import { type ReadinessCheck, readinessCheck } from './attempt.ts';
import { AttemptLimit } from './attemptLimit.ts';
import { afterAttempt, followReadiness, type Readiness, untilReady } from './readiness.ts';

const check: ReadinessCheck = {
  attempt: { kind: 'tcp', port: 8080, timeoutMs: 1000 },
  delayMs: 0,
  periodMs: 10_000,
  successThreshold: 1,
  failureThreshold: 3,
};

describe('readinessCheck', () => {
  const tables: Record<string, { reason: string; probe: object | undefined; want: object | undefined }> = {
    none: { reason: 'a revision without a probe costs nothing', probe: undefined, want: undefined },
    'HTTP, no timing': {
      reason: 'the defaults of the API reference, Probe; 0 counts as unset',
      probe: { httpGet: { path: '/ready', port: 0 }, periodSeconds: 0 },
      want: {
        ...check,
        attempt: { kind: 'http', port: 9000, path: '/ready', headers: {}, timeoutMs: 1000 },
      },
    },
    'gRPC, all timing': {
      reason: 'each field is honoured',
      probe: {
        grpc: { port: 9001, service: 's' },
        initialDelaySeconds: 5,
        periodSeconds: 20,
        timeoutSeconds: 15,
        successThreshold: 2,
        failureThreshold: 4,
      },
      want: {
        attempt: { kind: 'grpc', port: 9001, service: 's', timeoutMs: 15_000 },
        delayMs: 5000,
        periodMs: 20_000,
        successThreshold: 2,
        failureThreshold: 4,
      },
    },
    'no handler': {
      reason: 'a connection to the port (Knative)',
      probe: {},
      want: { ...check, attempt: { kind: 'tcp', port: 9000, timeoutMs: 1000 } },
    },
    exec: { reason: 'only the kubelet can run it', probe: { exec: { command: ['x'] } }, want: undefined },
    HTTPS: { reason: 'the kubelet runs it', probe: { httpGet: { scheme: 'HTTPS' } }, want: undefined },
    'another host': { reason: 'the kubelet runs it', probe: { tcpSocket: { host: 'h' } }, want: undefined },
  };
  for (const [name, { reason, probe, want }] of Object.entries(tables)) {
    it(`${name}: ${reason}`, () => {
      const app = { name: 'app', image: 'x', ports: [{ containerPort: 9000 }], readinessProbe: probe };
      const aside = { name: 'aside', image: 'x', readinessProbe: { tcpSocket: { port: 1 } } };
      assert.deepEqual(readinessCheck([aside, app] as Container[]), want);
    });
  }
});

describe('readiness after an attempt', () => {
  const running: Readiness = { ready: true, contrary: 0, startingSince: undefined };
  const failing: Readiness = { ...running, ready: false };
  const starting = (contrary = 0): Readiness => ({ ready: false, contrary, startingSince: 0 });
  const tables: Record<
    string,
    {
      reason: string;
      before: Readiness;
      passed: boolean;
      /** Beginning and end of the attempt, in ms. */
      at?: [number, number];
      timing?: Partial<ReadinessCheck>;
      want: Readiness;
      nextAt: number;
    }
  > = {
    'still ready': {
      reason: 'a period from the beginning of the attempt',
      before: running,
      passed: true,
      want: running,
      nextAt: 50_000,
    },
    'ready again before the threshold': {
      reason: 'only failures in a row count',
      before: { ...running, contrary: 2 },
      passed: true,
      want: running,
      nextAt: 50_000,
    },
    'first failure': {
      reason: 'failureThreshold is 3',
      before: running,
      passed: false,
      want: { ...running, contrary: 1 },
      nextAt: 50_000,
    },
    'third failure': {
      reason: 'it is not ready from now on',
      before: { ...running, contrary: 2 },
      passed: false,
      want: failing,
      nextAt: 50_000,
    },
    'still failing': {
      reason: 'an instance that has been ready is probed once a period',
      before: failing,
      passed: false,
      want: failing,
      nextAt: 50_000,
    },
    'passes again': {
      reason: 'successThreshold is 1',
      before: failing,
      passed: true,
      want: running,
      nextAt: 50_000,
    },
    'passes once of twice': {
      reason: 'successThreshold is 2',
      before: failing,
      passed: true,
      timing: { successThreshold: 2 },
      want: { ...failing, contrary: 1 },
      nextAt: 50_000,
    },
    'fails between two passes': {
      reason: 'only passes in a row count',
      before: { ...failing, contrary: 1 },
      passed: false,
      timing: { successThreshold: 2 },
      want: failing,
      nextAt: 50_000,
    },
    'an attempt longer than the period': {
      reason: 'the next one begins when it has ended',
      before: running,
      passed: false,
      at: [40_000, 55_000],
      want: { ...running, contrary: 1 },
      nextAt: 55_000,
    },
    'the first attempt fails': {
      reason: 'requests may wait for the start',
      before: starting(),
      passed: false,
      at: [0, 1],
      want: starting(),
      nextAt: 11,
    },
    'fails after five seconds of starting': {
      reason: 'the pause is a tenth of the time so far',
      before: starting(),
      passed: false,
      at: [4999, 5000],
      want: starting(),
      nextAt: 5500,
    },
    'fails after an hour of starting': {
      reason: 'the pause is a period at most',
      before: starting(),
      passed: false,
      at: [3_599_000, 3_600_000],
      want: starting(),
      nextAt: 3_610_000,
    },
    'passes the first of two while it starts': {
      reason: 'successThreshold counts from the start, without a period in between',
      before: starting(),
      passed: true,
      at: [99, 100],
      timing: { successThreshold: 2 },
      want: starting(1),
      nextAt: 110,
    },
    'passes for the first time': {
      reason:
        'from then on it has a place of its own in the period, so that instances are not probed together',
      before: starting(),
      passed: true,
      at: [99, 100],
      want: running,
      nextAt: 2600,
    },
  };
  for (const [name, row] of Object.entries(tables)) {
    it(`${name}: ${row.reason}`, () => {
      const { before, passed, at: [begunAt, endedAt] = [40_000, 40_005], timing } = row;
      const found = afterAttempt(before, { passed, begunAt, endedAt }, { ...check, ...timing }, 0.25);
      assert.deepEqual(found, { readiness: row.want, nextAt: row.nextAt });
    });
  }
});

describe('AttemptLimit', () => {
  it('runs no more attempts at once than it may, in their order, whatever becomes of them', async () => {
    const limit = new AttemptLimit(2);
    const running: number[] = [];
    const ends: (() => void)[] = [];
    const begin = (number: number) =>
      limit.run(
        () =>
          new Promise<void>((resolve, reject) => {
            running.push(number);
            ends[number] = number === 0 ? () => reject(new Error('broken')) : resolve;
          }),
      );
    const [broken, ...others] = [0, 1, 2, 3].map(begin);
    assert.deepEqual(running, [0, 1]);
    ends[0]?.();
    await assert.rejects(broken as Promise<void>, /broken/);
    assert.deepEqual(running, [0, 1, 2]);
    ends[2]?.();
    await others[1];
    assert.deepEqual(running, [0, 1, 2, 3]);
    ends[1]?.();
    ends[3]?.();
    await Promise.all(others);
  });

  it('lets an attempt that hangs delay others by a second at most', async () => {
    const limit = new AttemptLimit(1);
    void limit.run(() => new Promise(() => {}));
    assert.ok(
      await isBeforeTimer(
        limit.run(async () => {}),
        1100,
      ),
    );
  });
});

describe('following readiness', () => {
  const limit = new AttemptLimit(8);
  let ready: boolean;
  let asked: number;
  let port: number;
  const server = createServer((_request, response) => {
    asked++;
    response.writeHead(ready ? 200 : 503).end();
  });
  before(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    ({ port } = server.address() as { port: number });
  });
  beforeEach(() => {
    ready = false;
    asked = 0;
  });
  after(() => server.close());

  const http = (): ReadinessCheck => ({
    ...check,
    attempt: { kind: 'http', port, path: '/ready', headers: {}, timeoutMs: 1000 },
    periodMs: 20,
  });

  it('reports each change, and ends with its signal', async () => {
    const changes: boolean[] = [];
    const stop = new AbortController();
    const onChange = (change: boolean) => changes.push(change);
    const followed = followReadiness('127.0.0.1', http(), { signal: stop.signal, limit, onChange });
    await until('several attempts', () => asked > 3);
    assert.deepEqual(changes, []);
    ready = true;
    await until('it is ready', () => changes.length === 1);
    ready = false;
    await until('it is not', () => changes.length === 2);
    ready = true;
    await until('it is again', () => changes.length === 3);
    assert.deepEqual(changes, [true, false, true]);
    stop.abort();
    await followed;
  });

  it('lets an instance count as started when it is ready, within the time that it has', async () => {
    const readinessProbe = { httpGet: { path: '/ready' }, periodSeconds: 1 };
    const containers = [{ name: 'app', image: 'x', ports: [{ containerPort: port }], readinessProbe }];
    const { signal } = new AbortController();
    const wait = (limitMs: number) =>
      untilReady('127.0.0.1', containers as Container[], { limitMs, signal, limit });
    assert.equal(await wait(100), false);
    const found = wait(5000);
    await until('an attempt', () => asked > 1);
    ready = true;
    assert.equal(await found, true);
  });
});
