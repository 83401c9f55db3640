import assert from 'node:assert/strict';
import type { Pod } from '../../kube/core.ts';
import { pod } from '../../testing/serving.ts';
import { until } from '../../testing/until.ts';
import { Evictions } from './evictions.ts';

const ended = (uid: string, status: Partial<Pod['status']> = {}): Pod => {
  const made = pod({}, { phase: 'Succeeded', ...status });
  return { ...made, metadata: { ...made.metadata, uid } };
};

/** What is read of each pod by its UID; an Error fails once. */
function reading(answers: Record<string, string | undefined | Error>) {
  const asked: string[] = [];
  const read: string[] = [];
  const evictions = new Evictions({
    async read({ metadata: { uid = '' } }) {
      asked.push(uid);
      const answer = answers[uid];
      answers[uid] = answer instanceof Error ? SAID : answer;
      if (answer instanceof Error) throw answer;
      return answer;
    },
    onRead: (revision) => read.push(revision),
  });
  return { evictions, asked, read };
}

const SAID = 'Pod ephemeral local storage usage exceeds the total limit of containers 128Mi.';

describe('Evictions', () => {
  it('asks once for each pod that ended without a word, and calls back', async () => {
    const { evictions, asked, read } = reading({ x: SAID, y: undefined });
    const pods = [ended('x'), ended('y'), pod({}, { phase: 'Running' })];
    assert.deepEqual([...evictions.of('a', pods)], []);
    await until('an answer', () => read.length === 1);
    assert.deepEqual([...evictions.of('a', pods)], [['x', SAID]]);
    assert.deepEqual(asked, ['x', 'y']);
    assert.deepEqual(read, ['a']);
  });

  it('does not ask where the status of the pod says why', () => {
    const { evictions, asked } = reading({});
    evictions.of('a', [ended('x', { phase: 'Failed', reason: 'Evicted' })]);
    assert.deepEqual(asked, []);
  });

  it('asks again when it got no answer', async () => {
    const { evictions, asked } = reading({ x: new Error('away') });
    await until('an answer', () => evictions.of('a', [ended('x')]).get('x') === SAID);
    assert.deepEqual(asked, ['x', 'x']);
  });

  it('forgets pods and revisions that go', async () => {
    const { evictions, asked, read } = reading({ x: SAID });
    evictions.of('a', [ended('x')]);
    evictions.forget('a');
    assert.deepEqual([...evictions.of('a', [])], []);
    evictions.of('a', [ended('x')]);
    await until('an answer', () => read.length > 0);
    assert.equal(asked.length, 2);
  });
});
