import assert from 'node:assert/strict';
import { nextTurn } from '../../kube/clock.ts';
import { FakeClock } from '../../testing/clock.ts';
import { batchJob, execution } from '../../testing/jobs.ts';
import { CreationRefusals, type Told } from './creationRefusals.ts';

const QUOTA: Told = { reason: 'FailedCreate', message: 'exceeded quota' };

describe('CreationRefusals', () => {
  let clock: FakeClock;
  /** Namespaces that were asked about, each with what ends the question. */
  let asked: { namespace: string; answer: (told: Map<string, Told> | Error) => void }[];
  let news: string[];
  let refusals: CreationRefusals;

  beforeEach(() => {
    clock = new FakeClock();
    asked = [];
    news = [];
    refusals = new CreationRefusals({
      read: (namespace) =>
        new Promise((resolve, reject) => {
          asked.push({ namespace, answer: (told) => (told instanceof Error ? reject(told) : resolve(told)) });
        }),
      onRead: (key) => news.push(key),
      clock,
    });
  });

  const jobOf = (uid: string) => {
    const made = batchJob({}, {}, execution());
    return { ...made, metadata: { ...made.metadata, uid } };
  };
  const look = (key: string, uid = key) => refusals.of(key, jobOf(uid));
  async function answer(told: Map<string, Told> | Error): Promise<void> {
    asked.at(-1)?.answer(told);
    await nextTurn();
  }

  it('asks nobody about a Job that has just been made: most get their pods at once', async () => {
    look('demo/a');
    clock.advance(1000);
    look('demo/a');
    await nextTurn();
    assert.equal(asked.length, 0);
  });

  it('asks once for all executions of a namespace, and tells those that it concerns', async () => {
    for (let n = 0; n < 1000; n++) look(`demo/${n}`);
    clock.advance(2000);
    for (let n = 0; n < 1000; n++) look(`demo/${n}`);
    await nextTurn();
    assert.deepEqual(
      asked.map(({ namespace }) => namespace),
      ['demo'],
    );
    await answer(new Map([['demo/7', QUOTA]]));
    assert.deepEqual(news, ['demo/7']);
    assert.deepEqual(look('demo/7'), QUOTA);
    assert.equal(look('demo/8'), undefined);
    await nextTurn();
    assert.equal(asked.length, 1, 'not again at every look');
  });

  it('asks again after a while, later when the answer took long, and tells only what is new', async () => {
    look('demo/a');
    clock.advance(2000);
    look('demo/a');
    await nextTurn();
    clock.advance(1000);
    await answer(new Map([['demo/a', QUOTA]]));
    clock.advance(19_999);
    look('demo/a');
    await nextTurn();
    assert.equal(asked.length, 1);
    clock.advance(1);
    look('demo/a');
    await nextTurn();
    assert.equal(asked.length, 2);
    await answer(new Map([['demo/a', QUOTA]]));
    assert.deepEqual(news, ['demo/a']);
    clock.advance(5000);
    look('demo/a');
    await nextTurn();
    await answer(new Map());
    assert.deepEqual(news, ['demo/a', 'demo/a']);
    assert.equal(look('demo/a'), undefined);
  });

  it('asks about one namespace at a time', async () => {
    for (const key of ['x/a', 'y/a']) look(key);
    clock.advance(2000);
    for (const key of ['x/a', 'y/a']) look(key);
    await nextTurn();
    assert.equal(asked.length, 1);
    await answer(new Map());
    assert.equal(asked.length, 2);
  });

  it('asks again when it got no answer, and forgets what has pods by now', async () => {
    look('demo/a');
    clock.advance(2000);
    look('demo/a');
    await nextTurn();
    await answer(new Error('no answer'));
    clock.advance(5000);
    look('demo/a');
    await nextTurn();
    assert.equal(asked.length, 2);
    refusals.forget('demo/a');
    await answer(new Map([['demo/a', QUOTA]]));
    assert.deepEqual(news, []);
  });

  it('begins anew with another Job of the name', async () => {
    look('demo/a', 'first');
    clock.advance(2000);
    look('demo/a', 'second');
    await nextTurn();
    assert.equal(asked.length, 0);
  });
});
