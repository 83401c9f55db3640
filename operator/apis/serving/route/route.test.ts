import assert from 'node:assert/strict';
import { parse } from 'yaml';
import { defaultRoute } from './defaults.ts';
import type { Route } from './types.ts';
import { validateRoute } from './validation.ts';

function route(traffic: string, annotations?: Record<string, string>): Route {
  return {
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Route',
    metadata: { name: 'r', namespace: 'demo', annotations },
    spec: { traffic: parse(traffic) },
  } as Route;
}

const ERRORS: Record<string, { traffic: string; errors: string[]; reason: string }> = {
  'a configuration and a revision': {
    traffic: '[{configurationName: c, percent: 90}, {revisionName: c-1, percent: 10}]',
    errors: [],
    reason: 'both are known by name',
  },
  'a target without a name': {
    traffic: '[{percent: 100}]',
    errors: ['spec.traffic[0]: must have exactly one of revisionName and configurationName'],
    reason: 'a route has no configuration of its own',
  },
  'a target with two names': {
    traffic: '[{percent: 100, revisionName: a, configurationName: b}]',
    errors: ['spec.traffic[0]: must have exactly one of revisionName and configurationName'],
    reason: 'only one can count',
  },
  nothing: {
    traffic: '[]',
    errors: ['spec.traffic: has percents that sum to 0; they must sum to 100'],
    reason: 'a route that serves nothing is a mistake',
  },
};

describe('route', () => {
  for (const [name, { traffic, errors, reason }] of Object.entries(ERRORS)) {
    it(`${errors.length === 0 ? 'accepts' : 'rejects'} ${name}: ${reason}`, () => {
      assert.deepEqual(
        validateRoute(route(traffic)).map(({ path, message }) => `${path}: ${message}`),
        errors,
      );
    });
  }

  it('checks the annotations that a service hands down', () => {
    const [error] = validateRoute(
      route('[{configurationName: c, percent: 100}]', { 'run.googleapis.com/ingress': 'some' }),
    );
    assert.equal(error?.path, 'metadata.annotations[run.googleapis.com/ingress]');
  });

  it('follows the latest revision wherever none is named, once and for all', () => {
    const once = defaultRoute(
      route('[{configurationName: c, percent: 90}, {revisionName: c-1, percent: 10}]'),
    );
    assert.deepEqual(
      once.spec.traffic?.map(({ latestRevision }) => latestRevision),
      [true, false],
    );
    assert.deepEqual(defaultRoute(once), once);
  });
});
