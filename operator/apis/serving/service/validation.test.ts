import assert from 'node:assert/strict';
import fc from 'fast-check';
import { errorsOf } from '../../testing/errors.ts';
import { defaultService } from './defaults.ts';
import { CONTAINER, SPEC, serviceOf, testErrors } from './errorCases.ts';
import { SERVICE } from './kind.ts';
import type { Service } from './types.ts';
import { validateService } from './validation.ts';

describe('validation of a service', () => {
  testErrors({
    'a service account that was not filled in': {
      spec: '{serviceAccountName: "sa@%PROJECT_ID%.iam.gserviceaccount.com"}',
      errors: [
        [
          'spec.template.spec.serviceAccountName',
          /^is "sa@%PROJECT_ID%\.iam\.gserviceaccount\.com"; %PROJECT_ID% was not filled in$/,
        ],
      ],
      reason: 'a script was to do so',
    },
    'an image with a placeholder for its project': {
      container: '{image: gcr.io/PROJECT_ID/x}',
      errors: [
        [
          'spec.template.spec.containers[0].image',
          /"PROJECT_ID" looks like a placeholder; paths are in lower/,
        ],
      ],
      reason: 'it was to be replaced',
    },
    'a number of instances by hand, and no word on the mode': {
      metadata: '{annotations: {run.googleapis.com/manualInstanceCount: "2"}}',
      errors: [
        [
          'metadata.annotations[run.googleapis.com/manualInstanceCount]',
          /has no effect without run\.googleapis\.com\/scalingMode: manual/,
        ],
      ],
      strict: true,
      reason: 'the API rejects it',
    },
    'a number of instances by hand, in the manual mode': {
      metadata:
        '{annotations: {run.googleapis.com/manualInstanceCount: "2", run.googleapis.com/scalingMode: manual}}',
      reason: 'Cloud Run, Manual scaling',
    },
    'the smallest service': { reason: 'an image is enough' },

    // Names
    'a name of 49 characters': {
      metadata: `{name: ${'a'.repeat(49)}}`,
      reason: 'the longest that Cloud Run takes',
    },
    'a name of 50 characters': {
      metadata: `{name: ${'a'.repeat(50)}}`,
      errors: [['metadata.name', /\(50 characters\); it must have 1 to 49 characters/]],
      strict: true,
      reason: 'one too many for Cloud Run',
    },
    'a name of 64 characters': {
      metadata: `{name: ${'a'.repeat(64)}}`,
      errors: [['metadata.name', /\(64 characters\); it must have 1 to 63 characters/]],
      reason: 'one too many for the label of a host name',
    },
    'a name that starts with a digit': {
      metadata: '{name: 1st}',
      errors: [['metadata.name', /starting with a letter/]],
      reason: 'host names of old',
    },
    'a revision name': { template: '{name: hello-green}', reason: 'as --revision-suffix makes it' },
    'a revision name of another service': {
      template: '{name: bye-green}',
      errors: [['spec.template.metadata.name', /is "bye-green"; it must start with "hello-"/]],
      reason: 'it would take a name from others',
    },

    // The rest of the spec
    'a service account by e-mail address': {
      spec: '{serviceAccountName: me@p.iam.gserviceaccount.com}',
      reason: "Cloud Run's way",
    },
    'a service account with a placeholder': {
      spec: '{serviceAccountName: me@PROJECT_ID.iam.gserviceaccount.com}',
      errors: [
        [`${SPEC}.serviceAccountName`, /it must be the name of a service account, or its e-mail address/],
      ],
      reason: 'no such address exists',
    },
    "a user's e-mail address as service account": {
      spec: '{serviceAccountName: me@example.com}',
      errors: [
        [
          `${SPEC}.serviceAccountName`,
          /is "me@example.com"; it must be .* ends with .gserviceaccount.com .*: me@example.com: spec.template.spec.serviceAccountName\na lowercase RFC 1123 subdomain/,
        ],
      ],
      reason: 'a user account is not a service account; Knative rejects it too',
    },
    'an hour and a second for a request': {
      spec: '{timeoutSeconds: 3601}',
      errors: [[`${SPEC}.timeoutSeconds`, /is 3601; it must be a whole number from 0 to 3600/]],
      reason: 'one second too many',
    },
    tolerations: {
      spec: '{tolerations: [{operator: Exists}]}',
      errors: [[`${SPEC}.tolerations`, /not supported by Cloud Run/]],
      strict: true,
      reason: "Knative's own",
    },
    'a privileged container': {
      container: '{securityContext: {privileged: true}}',
      errors: [
        [`${CONTAINER}.securityContext`, /not supported by Cloud Run/],
        [`${CONTAINER}.securityContext.privileged`, /privileged containers are not supported/],
      ],
      reason: 'container contract, Privileged containers',
    },
  });

  it('reports all errors in one response', () => {
    const errors = errorsOf(
      SERVICE,
      serviceOf({
        container: '{image: "", env: [{name: PORT}], ports: [{containerPort: 70000}]}',
        spec: '{timeoutSeconds: -1, containerConcurrency: 1001}',
        traffic: '[{percent: 1, tag: A}]',
      }),
    );
    assert.deepEqual(
      errors.map(({ path }) => path),
      [
        `${CONTAINER}.ports[0].containerPort`,
        `${SPEC}.containerConcurrency`,
        `${SPEC}.timeoutSeconds`,
        `${CONTAINER}.image`,
        `${CONTAINER}.env[0].name`,
        'spec.traffic[0].tag',
        'spec.traffic',
      ],
    );
  });

  describe('of a change', () => {
    const before = serviceOf({ template: '{name: hello-a}' });

    it('rejects another template under the same name of a revision', () => {
      const after = serviceOf({ template: '{name: hello-a}', container: '{image: other}' });
      const [error] = validateService(after, before);
      assert.equal(error?.path, 'spec.template.metadata.name');
      assert.match(error?.message ?? '', /is "hello-a", the name of the previous revision/);
    });

    it('accepts the same template, with or without its defaults', () => {
      assert.deepEqual(validateService(structuredClone(before), before), []);
      assert.deepEqual(validateService(before, defaultService(before)), []);
    });

    it('accepts another template under another name or none', () => {
      const named = serviceOf({ template: '{name: hello-b}', container: '{image: other}' });
      assert.deepEqual(validateService(named, before), []);
      assert.deepEqual(validateService(serviceOf({ container: '{image: other}' }), before), []);
    });
  });

  it('is fast however long strings are: it runs before the schema has limited them', () => {
    // What grows with the square of the length would take minutes.
    const long = 300_000;
    const hostile = serviceOf({
      metadata: `{annotations: {run.googleapis.com/urls: x}}`,
      spec: `{serviceAccountName: ${'a.'.repeat(long)}}`,
      container: `{image: ${'a-'.repeat(long)}, resources: {limits: {cpu: "${'9'.repeat(long)}"}}}`,
    });
    const env = Array.from({ length: 50_000 }, (_, i) => ({
      name: `V${i}`,
      valueFrom: { secretKeyRef: { name: 's', key: 'k' } },
    }));
    const order = `{${' '.repeat(long)}"a": [${'"a",'.repeat(long)}"a"]}`;
    hostile.spec.template.metadata = { annotations: { 'run.googleapis.com/container-dependencies': order } };
    hostile.spec.template.spec.containers[0] = {
      ...hostile.spec.template.spec.containers[0],
      image: 'a-'.repeat(long),
      env,
    };
    assert.ok(validateService(hostile).length >= 3);
  });

  it('never throws, whatever the texts and numbers are', () => {
    const text = fc.oneof(
      fc.string({ maxLength: 20 }),
      fc.constantFrom('a', '1', 'hello-a', '{a: [b]}', '500m'),
    );
    const number = fc.oneof(fc.integer(), fc.double(), fc.constantFrom(0, 1, 80, 100));
    const map = fc.dictionary(fc.oneof(text, fc.constantFrom('cpu', 'memory')), text);
    const container = fc.record(
      {
        name: text,
        image: text,
        env: fc.array(fc.record({ name: text, value: text })),
        ports: fc.array(fc.record({ containerPort: number, name: text }, { requiredKeys: [] })),
        resources: fc.record({ limits: map, requests: map }, { requiredKeys: [] }),
        volumeMounts: fc.array(fc.record({ name: text, mountPath: text })),
        livenessProbe: fc.record(
          { httpGet: fc.record({ port: fc.oneof(text, number) }), periodSeconds: number },
          { requiredKeys: [] },
        ),
      },
      { requiredKeys: ['image'] },
    );
    const target = fc.record(
      { percent: number, tag: text, revisionName: text, latestRevision: fc.boolean() },
      { requiredKeys: [] },
    );
    const any = fc.record({
      apiVersion: fc.constant('serving.knative.dev/v1'),
      kind: fc.constant('Service'),
      metadata: fc.record({ name: text, annotations: map }),
      spec: fc.record({
        template: fc.record({
          metadata: fc.record({ name: text, annotations: map }, { requiredKeys: [] }),
          spec: fc.record({
            containers: fc.array(container),
            timeoutSeconds: number,
            serviceAccountName: text,
          }),
        }),
        traffic: fc.array(target),
      }),
    });
    fc.assert(
      fc.property(any, (object) => {
        const given = object as unknown as Service;
        for (const error of validateService(given)) assert.ok(error.path && error.message);
        validateService(defaultService(given));
      }),
    );
  });
});
