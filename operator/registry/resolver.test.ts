import { deepEqual, equal, ok } from 'node:assert/strict';
import { FakeClock } from '../testing/clock.ts';
import { silent } from '../testing/until.ts';
import { ImageNotFoundError, RegistryAnswerError } from './errors.ts';
import { type DigestRequest, DigestResolver } from './resolver.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const request = (revision: string, image = 'r.example/app:v1'): DigestRequest => ({
  revision: `demo/${revision}`,
  image,
  namespace: 'demo',
  serviceAccount: 'default',
  pullSecrets: [],
});
const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A resolver whose registry answers when the test says so. */
function setUp(options: { concurrency?: number; skip?: string[] } = {}) {
  const clock = new FakeClock(1_000_000);
  const asked: { image: string; answer(digest: string): Promise<void>; fail(error: Error): Promise<void> }[] =
    [];
  const done: string[] = [];
  const resolver = new DigestResolver({
    ask: ({ repository, tag }) =>
      new Promise((resolve, reject) => {
        asked.push({
          image: `${repository}:${tag}`,
          answer: (digest) => {
            resolve(digest);
            return nextTurn();
          },
          fail: (error) => {
            reject(error);
            return nextTurn();
          },
        });
      }),
    onDone: (revision) => done.push(revision),
    skip: options.skip ?? [],
    log: silent,
    now: () => clock.now(),
    concurrency: options.concurrency,
  });
  return { resolver, clock, asked, done };
}

describe('DigestResolver', () => {
  it('answers at once and calls back when the digest is known', async () => {
    const { resolver, asked, done } = setUp();
    deepEqual(resolver.lookup(request('a')), { state: 'pending' });
    await asked[0]?.answer(DIGEST);
    deepEqual(done, ['demo/a']);
    deepEqual(resolver.lookup(request('a')), {
      state: 'resolved',
      image: `r.example/app@${DIGEST}`,
      digest: DIGEST,
    });
    equal(asked.length, 1);
  });

  const immediate: Record<string, { reason: string; image: string; want: object }> = {
    digest: {
      reason: 'a digest needs no registry',
      image: `r.example/app@${DIGEST}`,
      want: { state: 'resolved', image: `r.example/app@${DIGEST}`, digest: DIGEST },
    },
    'tag and digest': {
      reason: 'the digest wins, the reference stays as it was written',
      image: `r.example/app:v1@${DIGEST}`,
      want: { state: 'resolved', image: `r.example/app:v1@${DIGEST}`, digest: DIGEST },
    },
    'skipped registry': {
      reason: 'registry.skip keeps the tag',
      image: 'kind.local/app:v1',
      want: { state: 'resolved', image: 'kind.local/app:v1' },
    },
  };
  for (const [name, { reason, image, want }] of Object.entries(immediate)) {
    it(`knows by itself: ${name}`, () => {
      const { resolver, asked } = setUp({ skip: ['kind.local'] });
      deepEqual(resolver.lookup(request('a', image)), want, reason);
      equal(asked.length, 0);
      equal(resolver.size, 0);
    });
  }

  it('fails for good when the reference does not parse', () => {
    const { resolver, asked } = setUp();
    const state = resolver.lookup(request('a', 'r.example/UPPER:v1'));
    ok(state.state === 'failed');
    equal(state.error.code, 'IMAGE_INVALID');
    equal(state.retryAt, undefined);
    equal(asked.length, 0);
  });

  it('asks twice for a hundred revisions of one tag, and answers all', async () => {
    const { resolver, asked, done } = setUp();
    for (let index = 0; index < 100; index++) resolver.lookup(request(`r${index}`));
    await asked[0]?.answer(DIGEST);
    await asked[1]?.answer(DIGEST);
    equal(asked.length, 2);
    equal(done.length, 100);
  });

  it('never gives a new revision the answer to a question that began before it', async () => {
    const { resolver, asked } = setUp();
    resolver.lookup(request('old'));
    resolver.lookup(request('new'));
    const moved = `sha256:${'b'.repeat(64)}`;
    await asked[0]?.answer(DIGEST);
    equal(resolver.lookup(request('new')).state, 'pending');
    await asked[1]?.answer(moved);
    const state = resolver.lookup(request('new'));
    equal(state.state === 'resolved' && state.digest, moved);
  });

  it('asks apart for other images, namespaces, accounts and secrets', () => {
    const { resolver, asked } = setUp();
    resolver.lookup(request('a'));
    resolver.lookup(request('a', 'r.example/app:v2'));
    resolver.lookup({ ...request('b'), namespace: 'other' });
    resolver.lookup({ ...request('c'), serviceAccount: 'robot' });
    resolver.lookup({ ...request('d'), pullSecrets: ['regcred'] });
    equal(asked.length, 5);
  });

  it('asks only so many registries at once', async () => {
    const { resolver, asked } = setUp({ concurrency: 2 });
    for (const tag of ['v1', 'v2', 'v3']) resolver.lookup(request(tag, `r.example/app:${tag}`));
    deepEqual(
      asked.map((question) => question.image),
      ['app:v1', 'app:v2'],
    );
    await asked[1]?.answer(DIGEST);
    deepEqual(
      asked.map((question) => question.image),
      ['app:v1', 'app:v2', 'app:v3'],
    );
  });

  it('keeps a failure until its time, then asks again', async () => {
    const { resolver, clock, asked, done } = setUp();
    const start = clock.now();
    resolver.lookup(request('a'));
    await asked[0]?.fail(new ImageNotFoundError('gone'));
    deepEqual(done, ['demo/a']);
    const failed = resolver.lookup(request('a'));
    equal(failed.state === 'failed' && failed.retryAt, start + 1000);
    clock.advance(999);
    equal(resolver.lookup(request('a')).state, 'failed');
    clock.advance(1);
    equal(resolver.lookup(request('a')).state, 'pending');
    equal(asked.length, 2);
  });

  it('waits twice as long after each failure, a quarter of an hour at most', async () => {
    const { resolver, clock, asked } = setUp();
    const waits: number[] = [];
    for (let index = 0; index < 12; index++) {
      resolver.lookup(request('a'));
      await asked[index]?.fail(new ImageNotFoundError('gone'));
      const state = resolver.lookup(request('a'));
      ok(state.state === 'failed' && state.retryAt !== undefined);
      waits.push((state.retryAt - clock.now()) / 1000);
      clock.advance(state.retryAt - clock.now());
    }
    deepEqual(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
  });

  it('leaves a registry alone for as long as it asks', async () => {
    const { resolver, clock, asked } = setUp();
    resolver.lookup(request('a'));
    await asked[0]?.fail(new RegistryAnswerError('busy', { retryAfterMs: 30_000 }));
    const state = resolver.lookup(request('a'));
    equal(state.state === 'failed' && state.retryAt, clock.now() + 30_000);
  });

  it('does not let one revision wait for the failures of another', async () => {
    const { resolver, asked } = setUp();
    resolver.lookup(request('old'));
    await asked[0]?.fail(new ImageNotFoundError('gone'));
    equal(resolver.lookup(request('new')).state, 'pending');
    await asked[1]?.answer(DIGEST);
    equal(resolver.lookup(request('new')).state, 'resolved');
    equal(resolver.lookup(request('old')).state, 'failed');
  });

  it('turns a failure of the API server into a state', async () => {
    const { resolver, asked } = setUp();
    resolver.lookup(request('a'));
    await asked[0]?.fail(new Error('connection refused'));
    const state = resolver.lookup(request('a'));
    ok(state.state === 'failed');
    equal(state.error.code, 'PULL_SECRETS');
    equal(
      state.error.message,
      "Image 'r.example/app:v1': the pull secrets could not be read: connection refused.",
    );
  });

  it('holds nothing of a forgotten revision and does not call it back', async () => {
    const { resolver, asked, done } = setUp();
    resolver.lookup(request('a'));
    resolver.forget('demo/a');
    await asked[0]?.answer(DIGEST);
    deepEqual(done, []);
    equal(resolver.size, 0);
  });

  it('does not ask for revisions that were forgotten while they waited', async () => {
    const { resolver, asked } = setUp({ concurrency: 1 });
    resolver.lookup(request('a', 'r.example/app:v1'));
    resolver.lookup(request('b', 'r.example/app:v2'));
    resolver.forget('demo/b');
    await asked[0]?.answer(DIGEST);
    equal(asked.length, 1);
  });
});
