import assert from 'node:assert/strict';
import { parse } from 'yaml';
import { defaultConfiguration } from '../configuration/defaults.ts';
import type { Configuration } from '../configuration/types.ts';
import { validateConfiguration } from '../configuration/validation.ts';
import { defaultRevisionSpec } from './defaults.ts';
import type { Revision, TemplateSpec } from './types.ts';
import { validateRevision } from './validation.ts';

function revision(spec: string, annotations?: Record<string, string>): Revision {
  const metadata = { name: 'w-1', namespace: 'demo', annotations };
  return { apiVersion: 'serving.knative.dev/v1', kind: 'Revision', metadata, spec: parse(spec) } as Revision;
}

function configuration(template: string): Configuration {
  const metadata = { name: 'c', namespace: 'demo' };
  return {
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Configuration',
    metadata,
    spec: { template: parse(template) },
  } as Configuration;
}

describe('revision', () => {
  it('needs no ingress container: that of a worker pool has none', () => {
    const workers = revision(
      '{containers: [{name: a, image: a, env: [{name: PORT, value: "1"}]}, {name: b, image: b}]}',
    );
    assert.deepEqual(validateRevision(workers), []);
    const { containers } = defaultRevisionSpec(workers.spec, { name: 'w' });
    assert.deepEqual(
      containers.map(({ startupProbe }) => startupProbe),
      [undefined, undefined],
    );
  });

  it('has one ingress container at most', () => {
    const two = revision(
      '{containers: [{name: a, image: a, ports: [{}]}, {name: b, image: b, ports: [{}]}]}',
    );
    assert.match(validateRevision(two)[0]?.message ?? '', /exactly one container may have ports/);
  });

  it('checks the order of its containers', () => {
    const order = { 'run.googleapis.com/container-dependencies': '{"a":["a"]}' };
    const [error] = validateRevision(revision('{containers: [{name: a, image: a}]}', order));
    assert.match(error?.message ?? '', /has a cycle: a -> a/);
  });

  const targets: Record<string, { cpu: string; concurrency: string; message?: RegExp; advice?: boolean }> = {
    'one disabled': { cpu: 'disabled', concurrency: '0.5' },
    'the other disabled': { cpu: '0.9', concurrency: 'disabled' },
    'both disabled': {
      cpu: 'disabled',
      concurrency: 'disabled',
      message: /is "disabled"; it must be a number while run.googleapis.com\/scaling-cpu-target is disabled/,
    },
    'a high target for CPU': {
      cpu: '0.95',
      concurrency: '0.95',
      message: /is "0.95"; it must be at most 0.9$/,
      advice: true,
    },
  };
  for (const [name, { cpu, concurrency, message, advice }] of Object.entries(targets)) {
    it(`${message ? (advice ? 'warns about' : 'rejects') : 'accepts'} scaling targets: ${name}`, () => {
      const annotations = {
        'run.googleapis.com/scaling-cpu-target': cpu,
        'run.googleapis.com/scaling-concurrency-target': concurrency,
      };
      const errors = validateRevision(revision('{containers: [{name: a, image: a}]}', annotations));
      assert.equal(errors.length, message ? 1 : 0);
      if (!message) return;
      assert.match(errors[0]?.message ?? '', message);
      assert.match(errors[0]?.path ?? '', /^metadata\.annotations\[run\.googleapis\.com\/scaling-/);
      assert.equal(errors[0]?.advice, advice);
    });
  }

  it('keeps what its configuration made of the defaults', () => {
    const made = defaultConfiguration(configuration('{spec: {containers: [{image: a}]}}')).spec.template.spec;
    assert.deepEqual(defaultRevisionSpec(made, {}), made, 'with another name at hand');
  });
});

describe('configuration', () => {
  it('calls containers and checks revisions by its own name', () => {
    const made = defaultConfiguration(configuration('{spec: {containers: [{image: a}]}}'));
    assert.equal((made.spec.template.spec as TemplateSpec).containers[0]?.name, 'user-container');
    const [error] = validateConfiguration(
      configuration('{metadata: {name: d-1}, spec: {containers: [{image: a}]}}'),
    );
    assert.match(error?.message ?? '', /is "d-1"; it must start with "c-"/);
  });

  it('rejects another template under the same name of a revision', () => {
    const before = configuration('{metadata: {name: c-a}, spec: {containers: [{image: a}]}}');
    const after = configuration('{metadata: {name: c-a}, spec: {containers: [{image: b}]}}');
    assert.deepEqual(validateConfiguration(before, before), []);
    assert.match(
      validateConfiguration(after, before)[0]?.message ?? '',
      /a changed template needs a new name, or none/,
    );
  });
});
