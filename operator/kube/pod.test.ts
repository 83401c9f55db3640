import assert from 'node:assert/strict';
import { pod } from '../testing/serving.ts';
import { hasEnded } from './pod.ts';

describe('hasEnded', () => {
  it('is what can never run again', () => {
    assert.ok(hasEnded(pod({}, { phase: 'Failed' })));
    assert.ok(hasEnded(pod({}, { phase: 'Succeeded' })));
    assert.ok(!hasEnded(pod({}, { phase: 'Running' })));
  });
});
