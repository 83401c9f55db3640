import assert from 'node:assert/strict';
import { parse } from 'yaml';
import { assertErrors, errorsOf, shown } from '../../testing/errors.ts';
import { defaultService } from './defaults.ts';
import { SERVICE } from './kind.ts';
import type { Service } from './types.ts';

/** What is added, as YAML, to the smallest valid service, and what must be said of it. */
export interface ErrorCase {
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
  /** Path and message of each error, in order; none means accepted. */
  errors?: [path: string, message: RegExp][];
  /** Whether only strict mode rejects it. */
  strict?: true;
  /** Whether it is only a warning in strict mode too. */
  advice?: true;
  reason: string;
}

/** Paths of most errors. */
export const CONTAINER = 'spec.template.spec.containers[0]';
export const SPEC = 'spec.template.spec';

export function serviceOf(parts: Omit<ErrorCase, 'reason'>): Service {
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

/** Declares a test for each case: the errors of such a service, the same with its defaults filled in. */
export function testErrors(cases: Record<string, ErrorCase>): void {
  for (const [name, one] of Object.entries(cases)) {
    const { errors: expected = [], strict = false, advice = false, reason } = one;
    const verb =
      expected.length === 0 ? 'accepts' : advice ? 'warns of' : strict ? 'in strict mode rejects' : 'rejects';
    it(`${verb} ${name}: ${reason}`, () => {
      const given = serviceOf(one);
      const errors = errorsOf(SERVICE, given);
      assertErrors(errors, one);
      assert.ok(errors.every((error) => (error.advice ?? false) === advice));
      assert.equal(shown(errorsOf(SERVICE, defaultService(given))), shown(errors), 'with its defaults');
    });
  }
}
