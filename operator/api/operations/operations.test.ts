import { deepEqual, equal } from 'node:assert/strict';
import { EXECUTIONS } from '../../apis/run/execution/types.ts';
import { SERVICES } from '../../apis/serving/service/types.ts';
import type { KubeObject, ResourceType } from '../../kube/types.ts';
import { type OperationVerb, operationId, operationOf, parseOperationId } from './operations.ts';

const object = (type: ResourceType, status?: object, metadata: object = {}) =>
  ({
    apiVersion: type.apiVersion,
    kind: type.kind,
    metadata: { name: 'a', uid: 'u', generation: 2, ...metadata },
    status,
  }) as unknown as KubeObject;
const condition = (type: string, status: string) => ({ type, status, message: 'because' });

interface Case {
  reason: string;
  verb?: OperationVerb;
  type?: ResourceType;
  found?: KubeObject;
  want?: { done: boolean; failure?: string };
}

const ready = (status: string, observedGeneration = 2) =>
  object(SERVICES, { observedGeneration, conditions: [condition('Ready', status)] });

const cases: Record<string, Case> = {
  'nothing said yet': { reason: 'no status is no end', found: object(SERVICES), want: { done: false } },
  'an old status': {
    reason: 'it is about the generation before',
    found: ready('True', 1),
    want: { done: false },
  },
  'still unknown': { reason: 'it is not settled', found: ready('Unknown'), want: { done: false } },
  ready: { reason: 'what was written is in effect', found: ready('True'), want: { done: true } },
  'not ready': { reason: 'it failed', found: ready('False'), want: { done: true, failure: 'because' } },
  'ready in a later generation': {
    reason: 'another write came after',
    found: ready('True', 3),
    want: { done: true },
  },
  gone: { reason: 'nothing is known of it any more' },
  'made anew': { reason: 'it is another object', found: object(SERVICES, {}, { uid: 'v' }) },
  'a run that has begun': {
    reason: 'Ready is not what a run ends with',
    verb: 'run',
    type: EXECUTIONS,
    found: object(EXECUTIONS, { observedGeneration: 2, conditions: [condition('Completed', 'Unknown')] }),
    want: { done: false },
  },
  'a run that is over': {
    reason: 'the execution is completed',
    verb: 'run',
    type: EXECUTIONS,
    found: object(EXECUTIONS, { observedGeneration: 2, conditions: [condition('Completed', 'True')] }),
    want: { done: true },
  },
  'a deletion under way': {
    reason: 'the object is there',
    verb: 'delete',
    found: ready('True'),
    want: { done: false },
  },
  'a deletion': { reason: 'the object is gone', verb: 'delete', want: { done: true } },
  'a deletion, and another object since': {
    reason: 'the object is gone',
    verb: 'delete',
    found: object(SERVICES, {}, { uid: 'v' }),
    want: { done: true },
  },
};

describe('operations', () => {
  for (const [name, { reason, verb = 'update', type = SERVICES, found, want }] of Object.entries(cases)) {
    it(`${name}: ${reason}`, () => {
      const ref = { verb, type, name: 'a', uid: 'u', generation: 2 };
      const { done, failure } = operationOf(ref, found) ?? {};
      deepEqual(done === undefined ? undefined : { done, ...(failure ? { failure } : {}) }, want);
    });
  }

  it('are all in their ids', () => {
    const ref = { verb: 'create' as const, type: SERVICES, name: 'a', uid: 'u', generation: 2 };
    const id = operationId('create', SERVICES, object(SERVICES));
    deepEqual(parseOperationId(id), ref);
    equal(operationOf(ref, object(SERVICES))?.id, id);
  });

  const nonsense = ['', 'x', 'bnVsbA', Buffer.from('["create","pods","a","u",1]').toString('base64url')];
  nonsense.push(Buffer.from('["create","services","a","u","1"]').toString('base64url'), 'A'.repeat(10_000));
  for (const id of nonsense)
    it(`has none of the id ${id.slice(0, 60)}`, () => equal(parseOperationId(id), undefined));
});
