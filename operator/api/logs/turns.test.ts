import { deepEqual, equal, rejects } from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import Fastify from 'fastify';
import { parseConfig } from '../../config.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { ApiContext } from '../context.ts';
import { LOGS } from './part.ts';
import { Turns } from './turns.ts';

const EXHAUSTED = { code: 'RESOURCE_EXHAUSTED' };
const { signal } = new AbortController();

/** What runs until it is ended, by name. */
class Work {
  readonly begun: string[] = [];
  readonly #ends = new Map<string, PromiseWithResolvers<string>>();

  act = (name: string) => () => {
    const end = Promise.withResolvers<string>();
    this.begun.push(name);
    this.#ends.set(name, end);
    return end.promise;
  };

  end(name: string): void {
    this.#ends.get(name)?.resolve(name);
  }

  fail(name: string): void {
    this.#ends.get(name)?.reject(new Error(name));
  }
}

describe('turns', () => {
  let work: Work;
  let turns: Turns;
  beforeEach(() => {
    work = new Work();
    turns = new Turns({ running: 2, waiting: 2, waitMs: 60_000 });
  });
  const run = (name: string) => turns.run(signal, work.act(name));

  it('lets so many run at once, and then the others in their order, also after a failure', async () => {
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map(run);
    deepEqual(work.begun, ['a', 'b']);
    work.fail('b');
    await rejects(b as Promise<string>, /b/);
    await setImmediate();
    deepEqual(work.begun, ['a', 'b', 'c']);
    work.end('a');
    equal(await a, 'a');
    await setImmediate();
    deepEqual(work.begun, ['a', 'b', 'c', 'd']);
    for (const name of ['c', 'd']) work.end(name);
    deepEqual(await Promise.all([c, d]), ['c', 'd']);
    const [e, f] = ['e', 'f'].map(run);
    deepEqual(work.begun.slice(4), ['e', 'f'], 'all places are free again');
    for (const name of ['e', 'f']) work.end(name);
    await Promise.all([e, f]);
  });

  it('refuses those for whom there is no place to wait', async () => {
    const accepted = ['a', 'b', 'c', 'd'].map(run);
    await rejects(run('e'), EXHAUSTED);
    for (const name of ['a', 'b']) work.end(name);
    await setImmediate();
    for (const name of ['c', 'd']) work.end(name);
    deepEqual(await Promise.all(accepted), ['a', 'b', 'c', 'd']);
  });

  it('refuses those whose turn does not come in time, or who have gone, and gives it to none of them', async () => {
    turns = new Turns({ running: 1, waiting: 2, waitMs: 1 });
    const a = run('a');
    const gone = new AbortController();
    const b = turns.run(gone.signal, work.act('b'));
    gone.abort();
    await rejects(b, EXHAUSTED);
    await rejects(turns.run(gone.signal, work.act('c')), EXHAUSTED);
    await rejects(run('d'), EXHAUSTED);
    work.end('a');
    await a;
    const e = run('e');
    work.end('e');
    await e;
    deepEqual(work.begun, ['a', 'e']);
  });

  it('are those of searches in logs: four at once in a process', async () => {
    const gate = Promise.withResolvers<{ items: [] }>();
    const people: unknown[] = [];
    const client = { list: () => gate.promise, request: () => gate.promise } as unknown as KubeClient;
    const clientOf: ApiContext['clientOf'] = (person) => {
      people.push(person);
      return client;
    };
    const app = Fastify();
    LOGS.routes?.(app, { config: parseConfig({}), clientOf } as Partial<ApiContext> as ApiContext);
    const body = { resourceNames: ['projects/demo'] };
    const answers = Promise.all(
      Array.from({ length: 6 }, () => app.inject({ method: 'POST', url: '/v2/entries:list', body })),
    );
    while (people.length < 4) await setImmediate();
    for (let round = 0; round < 20; round++) await setImmediate();
    equal(people.length, 4);
    gate.resolve({ items: [] });
    deepEqual(
      (await answers).map(({ statusCode }) => statusCode),
      Array(6).fill(200),
    );
    equal(people.length, 6);
    await app.close();
  });
});
