import assert from 'node:assert/strict';
import { configMap } from '../testing/builders.ts';
import { FakeClock } from '../testing/clock.ts';
import { FakeApiServer, Rejection } from '../testing/fakeApiServer.ts';
import { silent } from '../testing/until.ts';
import { type ConfigMap, EVENTS } from './core.ts';
import { EventRecorder } from './events.ts';

const TODAY = Date.parse('2026-01-02T03:04:05.678Z');

describe('EventRecorder', () => {
  let server: FakeApiServer;
  let clock: FakeClock;
  let today: number;
  let subject: ConfigMap;

  beforeEach(async () => {
    server = await FakeApiServer.start();
    clock = new FakeClock();
    today = TODAY;
    subject = server.put(configMap('a', '1'));
  });

  afterEach(() => server.close());

  const recorder = () =>
    new EventRecorder({ client: server.client, component: 'test', log: silent, clock, today: () => today });
  const event = (message: string) => ({ type: 'Normal' as const, reason: 'Created', message });

  it('writes an Event about the object, in its namespace', async () => {
    const each = recorder();
    each.event(subject, { type: 'Warning', reason: 'Failed', message: 'It failed' });
    await each.flush();
    const [written] = server.list(EVENTS);
    assert.equal(written?.metadata.namespace, 'ns');
    assert.match(written?.metadata.name ?? '', /^a\.[0-9a-f]{16}$/);
    assert.equal(written?.type, 'Warning');
    assert.equal(written?.reason, 'Failed');
    assert.equal(written?.message, 'It failed');
    assert.equal(written?.involvedObject.uid, subject.metadata.uid);
    assert.equal(written?.involvedObject.kind, 'ConfigMap');
    assert.equal(written?.source?.component, 'test');
    assert.equal(written?.lastTimestamp, '2026-01-02T03:04:05Z');
    assert.equal(written?.count, 1);
  });

  it('waits for two seconds at most while the API server says nothing', async () => {
    const each = recorder();
    server.pause();
    each.event(subject, event('x'));
    let isOver = false;
    const flushed = each.flush().then(() => {
      isOver = true;
    });
    clock.advance(1_999);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(isOver, false);
    clock.advance(1);
    await flushed;
  });

  it('counts the same event instead of writing another, after a restart too', async () => {
    const first = recorder();
    first.event(subject, event('x'));
    first.event(subject, event('x'));
    first.event(subject, event('y'));
    await first.flush();
    today += 60_000;
    const second = recorder();
    second.event(subject, event('x'));
    await second.flush();
    const [x, y] = server.list(EVENTS).sort((a, b) => (a.message ?? '').localeCompare(b.message ?? ''));
    assert.deepEqual([x?.count, y?.count], [3, 1]);
    assert.equal(x?.firstTimestamp, '2026-01-02T03:04:05Z');
    assert.equal(x?.lastTimestamp, '2026-01-02T03:05:05Z');
  });

  it('cuts a chatty object short, not the others, and lets it speak again later', async () => {
    const each = recorder();
    for (let n = 0; n < 40; n++) each.event(subject, event(`n${n}`));
    each.event(server.put(configMap('b', '1')), event('from another'));
    await each.flush();
    assert.equal(server.list(EVENTS).length, 26);
    clock.advance(300_000);
    each.event(subject, event('later'));
    each.event(subject, event('too soon'));
    await each.flush();
    assert.equal(server.list(EVENTS).length, 27);
  });

  it('shortens a message to what the API server takes, between characters', async () => {
    const each = recorder();
    each.event(subject, event('\u20ac'.repeat(1_000)));
    await each.flush();
    const message = server.list(EVENTS)[0]?.message ?? '';
    assert.ok(Buffer.byteLength(message) <= 1_024);
    assert.match(message, /^\u20ac+\.\.\.$/);
  });

  it('never fails: an event that cannot be written is gone', async () => {
    server.failNext(new Rejection(403, 'Forbidden', 'the namespace is being terminated'));
    const each = recorder();
    each.event(subject, event('x'));
    each.event(subject, event('y'));
    await each.flush();
    assert.deepEqual(
      server.list(EVENTS).map(({ message }) => message),
      ['y'],
    );
  });
});
