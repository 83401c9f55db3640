import assert from 'node:assert/strict';
import { parse } from 'yaml';
import type { FieldError } from '../../fieldError.ts';
import { errorsOf } from '../../testing/errors.ts';
import { defaultService } from './defaults.ts';
import { SERVICE } from './kind.ts';
import type { Service } from './types.ts';

/** What is added, as YAML, to the smallest valid service, and what must be said of it. */
export interface FaultCase {
  metadata?: string;
  /** `spec.template.metadata` */
  template?: string;
  /** `spec.template.spec` */
  spec?: string;
  /** `spec.template.spec.containers[0]` */
  container?: string;
  /** The containers after the first one. */
  more?: string;
  traffic?: string;
  /** Path and message of each fault, in order; none means accepted. */
  faults?: [path: string, message: RegExp][];
  /** Whether only strict mode refuses it. */
  strict?: true;
  /** Whether strict mode warns of it only. */
  advice?: true;
  reason: string;
}

/** Paths below which most faults are. */
export const CONTAINER = 'spec.template.spec.containers[0]';
export const SPEC = 'spec.template.spec';

export function serviceOf(parts: Omit<FaultCase, 'reason'>): Service {
  const container = { image: 'gcr.io/p/app', ...parse(parts.container ?? '{}') };
  const template = {
    ...(parts.template ? { metadata: parse(parts.template) } : {}),
    spec: { ...parse(parts.spec ?? '{}'), containers: [container, ...parse(parts.more ?? '[]')] },
  };
  return {
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Service',
    metadata: { name: 'hello', namespace: 'demo', ...parse(parts.metadata ?? '{}') },
    spec: { template, ...(parts.traffic ? { traffic: parse(parts.traffic) } : {}) },
  } as Service;
}

/** Declares a test for each case: the faults of such a service, the same with its defaults filled in. */
export function testFaults(cases: Record<string, FaultCase>): void {
  for (const [name, one] of Object.entries(cases)) {
    const { faults: expected = [], strict = false, advice = false, reason } = one;
    const verb =
      expected.length === 0 ? 'accepts' : advice ? 'warns of' : strict ? 'in strict mode refuses' : 'refuses';
    it(`${verb} ${name}: ${reason}`, () => {
      const given = serviceOf(one);
      const faults = errorsOf(SERVICE, given);
      assert.deepEqual(
        faults.map(({ path }) => path),
        expected.map(([path]) => path),
        shown(faults),
      );
      for (const [i, [, message]] of expected.entries()) assert.match(faults[i]?.message ?? '', message);
      assert.equal(
        faults.every((fault) => fault.strict),
        faults.length === 0 || strict,
      );
      assert.ok(faults.every((fault) => (fault.advice ?? false) === advice));
      assert.equal(shown(errorsOf(SERVICE, defaultService(given))), shown(faults), 'with its defaults');
    });
  }
}

function shown(faults: FieldError[]): string {
  return faults.map(({ path, message }) => `${path}: ${message}`).join('\n');
}
