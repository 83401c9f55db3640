import assert from 'node:assert/strict';
import type { Revision } from '../../apis/serving/revision/types.ts';
import type { Pod } from '../../kube/core.ts';
import { silent, until } from '../../testing/until.ts';
import { StartWatch } from './startWatch.ts';

const revision = { metadata: { namespace: 'demo', name: 'hello-1' } } as Revision;
const pod = (uid: string) => ({ metadata: { uid, name: uid }, status: { podIP: '10.0.0.1' } }) as Pod;

describe('StartWatch', () => {
  it('says of a pod that it has passed once its probe did, and calls back', async () => {
    const passed: string[] = [];
    const watch = new StartWatch({
      probe: async (_revision, { metadata }) => metadata.uid === 'good',
      onPassed: (key) => passed.push(key),
      log: silent,
    });
    const pods = [pod('good'), pod('bad')];
    assert.equal(watch.passed(revision, pods).size, 0);
    await until('a pod has passed', () => passed.length === 1);
    assert.deepEqual([...watch.passed(revision, pods)], ['good']);
    assert.deepEqual(passed, ['demo/hello-1']);
  });

  it('probes again, with the next change, what could not be probed', async () => {
    const errors: unknown[] = [];
    let calls = 0;
    const log = { ...silent, error: ({ err }: { err: unknown }) => errors.push(err) } as never;
    const watch = new StartWatch({
      probe: async () => {
        if (++calls === 1) throw new Error('broken');
        return true;
      },
      onPassed: () => {},
      log,
    });
    watch.passed(revision, [pod('a')]);
    await until('the error is logged', () => errors.length === 1);
    assert.match(String(errors[0]), /broken/);
    watch.passed(revision, [pod('a')]);
    await until('it is probed again', () => watch.passed(revision, [pod('a')]).has('a'));
    assert.equal(calls, 2);
  });

  it('ends the probing of pods that went, and of a revision that is forgotten', () => {
    const signals: AbortSignal[] = [];
    const watch = new StartWatch({
      probe: (_revision, _pod, signal) => {
        signals.push(signal);
        return new Promise(() => {});
      },
      onPassed: () => {},
      log: silent,
    });
    watch.passed(revision, [pod('a'), pod('b')]);
    watch.passed(revision, [pod('b')]);
    assert.deepEqual(
      signals.map(({ aborted }) => aborted),
      [true, false],
    );
    watch.forget('demo/hello-1');
    assert.equal(signals[1]?.aborted, true);
  });
});
