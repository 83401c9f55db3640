import assert from 'node:assert/strict';
import { nextTurn } from '../../kube/clock.ts';
import { EVENTS, type KubeEvent } from '../../kube/core.ts';
import { FakeClock } from '../../testing/clock.ts';
import { FakeApiServer } from '../../testing/fakeApiServer.ts';
import { EventLookup, type EventMessage, readEvents } from './eventLookup.ts';

const QUOTA: EventMessage = { reason: 'FailedCreate', message: 'exceeded quota' };

describe('ToldByEvents', () => {
  let clock: FakeClock;
  /** Namespaces that were asked about, each with what ends the question. */
  let asked: { namespace: string; answer: (known: Map<string, EventMessage> | Error) => void }[];
  let news: string[];
  let lookup: EventLookup;

  beforeEach(() => {
    clock = new FakeClock();
    asked = [];
    news = [];
    lookup = new EventLookup({
      read: (namespace) =>
        new Promise((resolve, reject) => {
          asked.push({
            namespace,
            answer: (known) => (known instanceof Error ? reject(known) : resolve(known)),
          });
        }),
      onRead: (key) => news.push(key),
      patienceMs: 2000,
      clock,
    });
  });

  const look = (key: string, uid = key) => lookup.of(key, uid);
  async function answer(known: Map<string, EventMessage> | Error): Promise<void> {
    asked.at(-1)?.answer(known);
    await nextTurn();
  }

  it('asks for no Events of what has just been made: most problems pass', async () => {
    look('demo/a');
    clock.advance(1000);
    look('demo/a');
    await nextTurn();
    assert.equal(asked.length, 0);
  });

  it('asks once for all of a namespace, and notifies those that it concerns', async () => {
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

  it('asks again after a while, later when the answer took long, and notifies only of what is new', async () => {
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

  it('says whether Events have been read since the question', async () => {
    const read = (key: string) => {
      look(key);
      return lookup.isRead(key);
    };
    assert.equal(lookup.isRead('demo/a'), false, 'nothing was asked');
    read('demo/a');
    clock.advance(2000);
    read('demo/a');
    await nextTurn();
    assert.equal(read('demo/a'), false, 'no answer yet');
    clock.advance(1);
    read('demo/b');
    await answer(new Error('no answer'));
    assert.equal(read('demo/a'), false, 'none has come');
    clock.advance(5000);
    read('demo/a');
    await nextTurn();
    assert.equal(asked.length, 2);
    clock.advance(1);
    read('demo/c');
    await answer(new Map());
    assert.deepEqual(['demo/a', 'demo/b', 'demo/c'].map(read), [true, true, false]);
    assert.equal(lookup.of('demo/a', 'another'), undefined);
    assert.equal(lookup.isRead('demo/a'), false, 'nothing was asked about this one');
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

  it('asks again when it got no answer, and forgets what is not asked about', async () => {
    look('demo/a');
    clock.advance(2000);
    look('demo/a');
    await nextTurn();
    await answer(new Error('no answer'));
    clock.advance(5000);
    look('demo/a');
    await nextTurn();
    assert.equal(asked.length, 2);
    lookup.forget('demo/a');
    await answer(new Map([['demo/a', QUOTA]]));
    assert.deepEqual(news, []);
  });

  it('begins anew with another object of the name', async () => {
    look('demo/a', 'first');
    clock.advance(2000);
    look('demo/a', 'second');
    await nextTurn();
    assert.equal(asked.length, 0);
  });
});

describe('readEvents', () => {
  let server: FakeApiServer;
  before(async () => {
    server = await FakeApiServer.start();
    const event = (name: string, uid: string, reason: string, second: number) =>
      server.put({
        apiVersion: EVENTS.apiVersion,
        kind: EVENTS.kind,
        metadata: { name, namespace: 'demo' },
        involvedObject: { kind: 'Pod', namespace: 'demo', name: 'x', uid },
        reason,
        message: name,
        lastTimestamp: new Date(second * 1000).toISOString(),
      } as KubeEvent);
    event('a', 'x', 'FailedMount', 1);
    event('b', 'x', 'FailedMount', 3);
    event('c', 'x', 'FailedMount', 2);
    event('d', 'x', 'Pulled', 4);
    event('e', 'y', 'FailedMount', 1);
  });
  after(() => server.close());

  for (const [counts, x] of [
    ['first', 'a'],
    ['last', 'b'],
  ] as const) {
    it(`gives the ${counts} one of each object`, async () => {
      const known = await readEvents(server.client, 'demo', { fieldSelector: 'reason=FailedMount', counts });
      assert.deepEqual(
        [...known].map(([uid, { message }]) => [uid, message]),
        [
          ['x', x],
          ['y', 'e'],
        ],
      );
    });
  }
});
