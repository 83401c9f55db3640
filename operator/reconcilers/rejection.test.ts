import assert from 'node:assert/strict';
import type { Condition } from '../apis/condition.ts';
import { EPOCH } from '../testing/serving.ts';
import { pending, withRejection } from './rejection.ts';

const rejection = { reason: 'Refused', message: 'exceeded quota' };
const widget = (conditions: Condition[], generation = 2) => ({
  apiVersion: 'example.com/v1',
  kind: 'Widget',
  metadata: { name: 'w', generation },
  status: { observedGeneration: 1, size: 3, conditions },
});

describe('withRejection', () => {
  const planned = widget([
    { type: 'Ready', status: 'Unknown', reason: 'Deploying' },
    { type: 'A', status: 'Unknown', reason: 'Deploying' },
    { type: 'B', status: 'True' },
  ]);
  const rejected = (subject = widget([])) =>
    withRejection({ subject, planned, rejection, now: EPOCH }, ['A', 'Ready']) as ReturnType<typeof widget>;

  it('says so in the conditions that it concerns, for this generation, and leaves the rest as planned', () => {
    const { status } = rejected();
    assert.equal(status.observedGeneration, 2);
    assert.equal(status.size, 3);
    assert.deepEqual(
      status.conditions.map(({ type, status, message = '' }) => [type, status, message]),
      [
        ['Ready', 'False', 'exceeded quota'],
        ['A', 'False', 'exceeded quota'],
        ['B', 'True', ''],
      ],
    );
  });

  it('changes nothing when it is rejected again: no write, no new time', () => {
    const first = rejected();
    const later = { subject: first, planned, rejection, now: EPOCH + 60_000 };
    assert.deepEqual(withRejection(later, ['A', 'Ready']), first);
  });

  it('may leave open what can be granted any time', () => {
    const { status } = withRejection(
      { subject: widget([]), planned, rejection, now: EPOCH },
      ['A'],
      'Unknown',
    ) as ReturnType<typeof widget>;
    assert.deepEqual(
      status.conditions.find(({ type }) => type === 'A'),
      { type: 'A', status: 'Unknown', ...rejection, lastTransitionTime: '2026-01-01T00:00:00Z' },
    );
  });

  it('names what does not hold yet', () => {
    assert.deepEqual(pending(planned, ['A', 'B', 'C']), ['A', 'C']);
  });
});
