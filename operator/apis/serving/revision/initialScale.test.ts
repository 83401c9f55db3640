import assert from 'node:assert/strict';
import type { KubeObject } from '../../../kube/types.ts';
import { needsNoInstance } from './initialScale.ts';

const CASES: Record<
  string,
  { reason: string; revision: Record<string, string>; service?: Record<string, string>; want: boolean }
> = {
  'nothing said': { reason: 'one instance proves the revision', revision: {}, want: false },
  zero: {
    reason: 'none is wanted',
    revision: { 'autoscaling.knative.dev/initial-scale': '0' },
    want: true,
  },
  three: {
    reason: 'three are asked for',
    revision: { 'autoscaling.knative.dev/initial-scale': '3' },
    want: false,
  },
  nonsense: {
    reason: 'what does not parse counts as absent',
    revision: { 'autoscaling.knative.dev/initial-scale': 'none' },
    want: false,
  },
  'zero and a minimum of its own': {
    reason: 'the higher number holds',
    revision: { 'autoscaling.knative.dev/initial-scale': '0', 'autoscaling.knative.dev/min-scale': '1' },
    want: false,
  },
  'zero and a minimum of 0': {
    reason: 'that asks for none',
    revision: { 'autoscaling.knative.dev/initial-scale': '0', 'autoscaling.knative.dev/minScale': '0' },
    want: true,
  },
  "zero and the service's minimum": {
    reason: 'the higher number holds',
    revision: { 'autoscaling.knative.dev/initial-scale': '0' },
    service: { 'run.googleapis.com/minScale': '2' },
    want: false,
  },
  'zero and a manual number': {
    reason: 'so many instances are asked for',
    revision: { 'autoscaling.knative.dev/initial-scale': '0' },
    service: { 'run.googleapis.com/scalingMode': 'manual', 'run.googleapis.com/manualInstanceCount': '1' },
    want: false,
  },
};

describe('needsNoInstance', () => {
  const annotated = (annotations: Record<string, string>) => ({ metadata: { annotations } }) as KubeObject;
  for (const [name, { reason, revision, service, want }] of Object.entries(CASES)) {
    it(`${name}: ${reason}`, () => {
      assert.equal(needsNoInstance(annotated(revision), service && annotated(service)), want);
    });
  }
});
