import assert from 'node:assert/strict';
import type { Condition } from '../apis/condition.ts';
import { passingMs } from './readiness.ts';

describe('passingMs', () => {
  const of = (status?: Condition['status']) =>
    status ? { conditions: [{ type: 'Ready', status }] } : undefined;
  const cases: [Condition['status'] | undefined, Condition['status'], boolean, string][] = [
    [undefined, 'Unknown', true, 'a new object has said nothing yet'],
    ['Unknown', 'Unknown', true, 'one step follows another'],
    ['Unknown', 'True', false, 'clients wait for it'],
    ['Unknown', 'False', false, 'clients wait for it'],
    [undefined, 'True', false, 'clients wait for it'],
    ['True', 'Unknown', false, 'it claims what holds no more'],
    ['False', 'Unknown', false, 'it claims what holds no more'],
    ['True', 'True', false, 'it may say where traffic goes'],
  ];
  for (const [before, next, waits, reason] of cases) {
    it(`${before ?? 'nothing'} to ${next} ${waits ? 'may wait' : 'is written at once'}: ${reason}`, () => {
      assert.equal(passingMs(of(before), of(next)) !== undefined, waits);
    });
  }
});
