import { deepEqual } from 'node:assert/strict';
import type { Reconciled } from '../kube/controller.ts';
import { KubeError, TerminalError } from '../kube/errors.ts';
import { reconcileSpan } from './reconcileSpan.ts';

const IDS = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) };
const DONE: Reconciled = {
  controller: 'revision',
  key: 'demo/hello',
  attempt: 1,
  startedAt: 1_700_000_000_123,
  durationMs: 4.5671,
  result: 'done',
};

function attributesOf(reconciled: Reconciled): Record<string, string> {
  const { attributes } = reconcileSpan(reconciled, IDS);
  return Object.fromEntries(
    attributes.map(({ key, value }) => [key, 'intValue' in value ? value.intValue : value.stringValue]),
  );
}

describe('the span of a reconcile', () => {
  it('is a trace of its own, with what was reconciled and for how long', () => {
    const { attributes, ...span } = reconcileSpan(DONE, IDS);
    deepEqual(span, {
      ...IDS,
      parentSpanId: undefined,
      flags: 0x101,
      name: 'reconcile revision',
      kind: 1,
      startTimeUnixNano: '1700000000123000000',
      endTimeUnixNano: '1700000000127567000',
      status: undefined,
    });
    deepEqual(attributesOf(DONE), {
      'homerun.controller': 'revision',
      'k8s.namespace.name': 'demo',
      'homerun.object.name': 'hello',
      'homerun.reconcile.result': 'done',
      'homerun.reconcile.attempt': '1',
    });
  });

  const forbidden = new KubeError('POST /x: 403 no', { code: 'KUBE_FORBIDDEN', status: 403 });
  const ENDS: Record<
    string,
    { reason: string; end: Partial<Reconciled>; status: object | undefined; type?: string }
  > = {
    'an error': {
      reason: 'it is tried again, and somebody may want to know why',
      end: { result: 'error', error: forbidden, attempt: 3 },
      status: { code: 2, message: 'POST /x: 403 no' },
      type: 'KUBE_FORBIDDEN',
    },
    'an error that no retry can heal': {
      reason: 'it is not tried again',
      end: { result: 'terminal', error: new TerminalError('no') },
      status: { code: 2, message: 'no' },
      type: 'TERMINAL',
    },
    'an error of no class of ours': {
      reason: 'it is a defect',
      end: { result: 'error', error: new TypeError('x is undefined') },
      status: { code: 2, message: 'x is undefined' },
      type: 'TypeError',
    },
    'nothing that is an error': {
      reason: 'anything can be thrown',
      end: { result: 'error', error: undefined },
      status: { code: 2 },
      type: 'error',
    },
    'a cache that was behind': {
      reason: 'that is how things go, and no failure',
      end: { result: 'stale', error: new Error('stale') },
      status: undefined,
    },
  };
  for (const [name, { reason, end, status, type }] of Object.entries(ENDS)) {
    it(`of ${name}: ${reason}`, () => {
      const reconciled = { ...DONE, ...end };
      deepEqual(reconcileSpan(reconciled, IDS).status, status);
      deepEqual(attributesOf(reconciled)['error.type'], type);
      deepEqual(attributesOf(reconciled)['homerun.reconcile.result'], end.result);
    });
  }

  it('of an object without a namespace names none', () => {
    const { 'k8s.namespace.name': namespace, 'homerun.object.name': name } = attributesOf({
      ...DONE,
      key: 'one',
    });
    deepEqual([namespace, name], [undefined, 'one']);
  });
});
