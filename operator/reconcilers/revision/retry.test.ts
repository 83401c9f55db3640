import assert from 'node:assert/strict';
import { scalingSpec } from '../../apis/serving/revision/scaling.ts';
import type { Revision } from '../../apis/serving/revision/types.ts';
import { parseConfig } from '../../config.ts';
import { ImageNotFoundError } from '../../registry/errors.ts';
import { DigestResolver } from '../../registry/resolver.ts';
import { FakeClock } from '../../testing/clock.ts';
import { deployment, EPOCH, PINNED, pod, revision } from '../../testing/serving.ts';
import { silent } from '../../testing/until.ts';
import { digestsOf } from '../digests.ts';
import { planRevision } from './plan.ts';
import { digestOwner } from './retry.ts';

const config = parseConfig({});
const HOUR = 3_600_000;

/** When a revision asks its registry, in seconds since it was made, until it stops or the time is over. */
async function asks(overMs: number, wantedAt: (at: number) => boolean): Promise<number[]> {
  const clock = new FakeClock(EPOCH);
  const asked: number[] = [];
  const resolver = new DigestResolver({
    ask: async () => {
      asked.push((clock.now() - EPOCH) / 1000);
      throw new ImageNotFoundError('no such tag.');
    },
    onDone: () => {},
    skip: [],
    log: silent,
    now: () => clock.now(),
  });
  let current = revision();
  while (clock.now() <= EPOCH + overMs) {
    const wanted = wantedAt(clock.now() - EPOCH);
    const digests = digestsOf(digestOwner(current, wanted, config), resolver, config);
    const input = { revision: current, pods: [], passed: new Set<string>(), routed: false, wanted, digests };
    const plan = planRevision(input, config, clock.now());
    current = plan.status as Revision;
    const [digest] = digests.values();
    // Looked at every minute besides: whatever changes near it wakes its controller.
    if (digest?.state === 'pending') await new Promise(setImmediate);
    else clock.advance(Math.min(plan.requeueAfterMs ?? 60_000, 60_000));
    if (digest?.state === 'pending' && resolver.size === 0) clock.advance(60_000);
  }
  return asked;
}

/** When a revision that lacks what may come gets an instance, in seconds since it was made. */
function attempts(overMs: number, wanted: boolean): number[] {
  const started: number[] = [];
  const waiting = { reason: 'ErrImagePull', message: 'failed to fetch layer: 404 Not Found' };
  const digests = new Map([
    ['user-container', { state: 'resolved', image: PINNED, digest: PINNED }],
  ] as const);
  let current = revision();
  let startedAt: number | undefined;
  for (let now = EPOCH; now <= EPOCH + overMs; now += 5000) {
    const { failed } = scalingSpec(current, undefined, undefined, config.autoscaler);
    if (failed) startedAt = undefined;
    else if (startedAt === undefined) {
      startedAt = now;
      started.push((now - EPOCH) / 1000);
    }
    const startTime = startedAt && new Date(startedAt).toISOString();
    const pods = startTime ? [pod({ state: { waiting } }, { startTime })] : [];
    const made = deployment('hello-00001-abc', pods.length);
    const input = { revision: current, pods, passed: new Set<string>(), routed: false, wanted };
    current = planRevision({ ...input, deployment: made, digests }, config, now).status as Revision;
  }
  return started;
}

describe('a failed revision and its registry (knative/serving#10740)', () => {
  const between = (seconds: number[], from: number, to: number) =>
    seconds.filter((at) => at * 1000 >= from && at * 1000 < to).length;

  it('asks no more for the digest of its image once another has replaced it', async () => {
    const asked = await asks(2 * HOUR, (at) => at < 60_000);
    assert.ok(asked.length > 3, 'while it was the latest');
    assert.deepEqual(
      asked.filter((at) => at > 60),
      [],
    );
  });

  it('asks until it has failed though it is not wanted: that is reported', async () => {
    const asked = await asks(2 * HOUR, () => false);
    assert.ok(asked.length > 2);
    assert.deepEqual(
      asked.filter((at) => at > config.startup.crashSeconds),
      [],
    );
  });

  it('asks four times an hour in the end while it is wanted, seven times in the first half hour', async () => {
    const asked = await asks(3 * HOUR, () => true);
    const failed = 10_000;
    assert.ok(between(asked, failed, failed + HOUR / 2) <= 7, `${asked}`);
    assert.equal(between(asked, HOUR, 2 * HOUR), 4, `${asked}`);
    assert.equal(between(asked, 2 * HOUR, 3 * HOUR), 4, `${asked}`);
  });

  it('has its instances taken away, and gets one four times an hour at most while it is wanted', () => {
    const started = attempts(3 * HOUR, true);
    assert.ok(between(started, HOUR, 2 * HOUR) <= 4, `${started}`);
    assert.ok(between(started, 2 * HOUR, 3 * HOUR) >= 2, `${started}`);
    assert.deepEqual(attempts(3 * HOUR, false), [0], 'and never again once another has replaced it');
  });

  it('asks again when it is wanted again: a roll-back names it', async () => {
    const asked = await asks(HOUR, (at) => at > HOUR / 2);
    const again = asked.filter((at) => at * 1000 > HOUR / 2);
    assert.ok(again.length > 3, `${asked}`);
    assert.ok((again[0] ?? 0) < HOUR / 2000 + 120);
  });
});
