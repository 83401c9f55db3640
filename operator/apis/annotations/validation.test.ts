import assert from 'node:assert/strict';
import type { AnnotationHolder } from './annotation.ts';
import { validateAnnotations, validateScale } from './validation.ts';
import { parseDependencies, parseFlag } from './values.ts';

interface Row {
  on: AnnotationHolder;
  key: string;
  value: string;
  /** Undefined: no error. */
  message?: RegExp;
  strict?: boolean;
  reason: string;
}

const ROWS: Row[] = [
  { on: 'revision', key: 'autoscaling.knative.dev/maxScale', value: '3', reason: 'it belongs there' },
  {
    on: 'revision',
    key: 'autoscaling.knative.dev/maxScale',
    value: 'many',
    message: /is "many"; it must be a whole number from 1 to 2147483647$/,
    reason: 'the message has the value and what is allowed',
  },
  ...(
    [
      ['revision', 'autoscaling.knative.dev/maxScale'],
      ['service', 'run.googleapis.com/maxScale'],
    ] as const
  ).flatMap(([on, key]) =>
    ['0', '00', '-1', '1.5', '2147483648', ''].map((value) => ({
      on,
      key,
      value,
      message: new RegExp(`is "${value}"; it must be a whole number from 1 to 2147483647$`),
      reason: 'a service with at most no instance could answer no request',
    })),
  ),
  {
    on: 'revision',
    key: 'autoscaling.knative.dev/max-scale',
    value: '0',
    message: /not supported by Cloud Run/,
    strict: true,
    reason: 'in Knative 0 is no maximum',
  },
  {
    on: 'service',
    key: 'autoscaling.knative.dev/minScale',
    value: '1',
    message: /belongs in spec.template.metadata.annotations/,
    reason: 'Knative rejects scaling outside of the template as well',
  },
  {
    on: 'service',
    key: 'autoscaling.knative.dev/target',
    value: '80',
    message: /scaling of a revision belongs in spec.template.metadata.annotations/,
    reason: 'Knative rejects scaling outside of the template as well',
  },
  ...['0s', '380s', '5m', '720h', '1.5m', ''].map((value) => ({
    on: 'service' as const,
    key: 'serving.knative.dev/rollout-duration',
    value,
    reason: `"${value}" is in whole seconds`,
  })),
  ...['380', '500ms', '-5s', 'soon', '721h'].map((value) => ({
    on: 'service' as const,
    key: 'serving.knative.dev/rollout-duration',
    value,
    message: /it must be a duration of whole seconds up to 720h, such as 90s or 5m/,
    reason: `"${value}" is a duration that Knative rejects, or too long`,
  })),
  { on: 'service', key: 'run.googleapis.com/maxScale', value: '3', reason: 'of the whole service' },
  {
    on: 'revision',
    key: 'autoscaling.knative.dev/target',
    value: '80',
    message: /not supported by Cloud Run/,
    strict: true,
    reason: "Knative's own",
  },
  {
    on: 'service',
    key: 'run.googleapis.com/execution-environment',
    value: 'gen2',
    message: /belongs in spec.template.metadata.annotations/,
    strict: true,
    reason: 'in the wrong place',
  },
  {
    on: 'revision',
    key: 'run.googleapis.com/execution-environment',
    value: 'gen3',
    message: /one of gen1, gen2/,
    reason: 'no such generation',
  },
  {
    on: 'revision',
    key: 'run.googleapis.com/use-http2',
    value: 'true',
    message: /name the port h2c/,
    strict: true,
    reason: 'a flag of gcloud mistaken for a key',
  },
  {
    on: 'revision',
    key: 'run.googleapis.com/max-instances',
    value: '3',
    message: /autoscaling.knative.dev\/maxScale/,
    strict: true,
    reason: 'a flag of gcloud mistaken for a key',
  },
  {
    on: 'revision',
    key: 'run.googleapis.com/whatever',
    value: '',
    message: /is not known to Cloud Run and has no effect$/,
    strict: true,
    reason: 'no guess what it means',
  },
  {
    on: 'job',
    key: 'homerun.dev/shedule',
    value: '@daily',
    message: /is not known to Homerun and has no effect; it knows run, schedule, /,
    strict: true,
    reason: 'a typo must not silently keep a job from running',
  },
  {
    on: 'revision',
    key: 'homerun.dev/applied-hash',
    value: 'abc',
    reason: 'the controller writes it',
  },
  {
    on: 'revision',
    key: 'run.googleapis.com/cpu-throttling',
    value: 'False',
    reason: 'gcloud writes Python booleans',
  },
  {
    on: 'revision',
    key: 'run.googleapis.com/cpu-throttling',
    value: 'no',
    message: /true or false/,
    reason: 'YAML 1.1 is no excuse in a text',
  },
  {
    on: 'service',
    key: 'run.googleapis.com/urls',
    value: 'anything',
    reason: 'output that an export brings back',
  },
  { on: 'service', key: 'example.com/owner', value: 'me', reason: 'a key of the user' },
  {
    on: 'revision',
    key: 'run.googleapis.com/container-dependencies',
    value: '{"app":["side"]}',
    reason: 'as gcloud writes it',
  },
  {
    on: 'revision',
    key: 'run.googleapis.com/container-dependencies',
    value: '{app: [side]}',
    reason: 'published samples leave quotes out',
  },
  {
    on: 'revision',
    key: 'run.googleapis.com/container-dependencies',
    value: 'app after side',
    message: /it must be JSON such as/,
    reason: 'it does not say the order',
  },
  {
    on: 'revision',
    key: 'run.googleapis.com/secrets',
    value: 'key=projects/p/secrets/s',
    message: /ALIAS:projects\/PROJECT\/secrets\/SECRET/,
    reason: 'a colon, not an equals sign',
  },
  {
    on: 'revision',
    key: 'run.googleapis.com/secrets',
    value: 'a:projects/p/secrets/s, b:projects/p/secrets/t',
    reason: 'two',
  },
  ...['0.1', '0.75', '.5', '0.95', '75%', 'disabled'].map((value) => ({
    on: 'revision' as const,
    key: 'run.googleapis.com/scaling-cpu-target',
    value,
    reason: `${value} is a target`,
  })),
  ...['', '0.09', '0.96', '1', '0.755', '75', '100%', 'Disabled', 'high', 'NaN', '-0.5'].map((value) => ({
    on: 'revision' as const,
    key: 'run.googleapis.com/scaling-concurrency-target',
    value,
    message: /it must be a number from 0.1 to 0.95 with at most two decimals such as 0.75,/,
    reason: `"${value}" is out of range or no number`,
  })),
  {
    on: 'service',
    key: 'run.googleapis.com/scaling-cpu-target',
    value: '0.5',
    message: /belongs in spec.template.metadata.annotations/,
    strict: true,
    reason: 'each revision has its own',
  },
  ...Object.entries({
    'min-scale': ['many', /is "many"; it must be a whole number from 0/],
    'max-scale': ['-1', /it must be a whole number from 0/],
    'initial-scale': ['1.5', /it must be a whole number from 0/],
    window: ['5s', /it must be a duration from 6s to 1h/],
    target: ['x', /it must be a number that is at least 0.01$/],
    'target-utilization-percentage': ['101', /it must be a number from 1 to 100/],
    'scale-to-zero-pod-retention-period': ['61m', /it must be a duration from 0s to 1h/],
    'scale-down-delay': ['15', /is "15"; it must be a duration from 0s to 1h/],
    'activation-scale': ['0', /it must be a whole number from 1/],
  } as Record<string, [value: string, message: RegExp]>).map(([name, [value, message]]) => ({
    on: 'revision' as const,
    key: `autoscaling.knative.dev/${name}`,
    value,
    message,
    reason: 'Knative rejects it too',
  })),
  {
    on: 'revision',
    key: 'run.googleapis.com/network-interfaces',
    value: '[{"network":"n"}]',
    reason: 'as gcloud writes it',
  },
  {
    on: 'revision',
    key: 'run.googleapis.com/network-interfaces',
    value: '["n"]',
    message: /JSON list of objects/,
    reason: 'a network has a name and a subnetwork',
  },
];

describe('annotation rules', () => {
  for (const { on, key, value, message, strict, reason } of ROWS) {
    it(`${message ? (strict ? 'warns about' : 'rejects') : 'accepts'} ${key}=${value} on a ${on}: ${reason}`, () => {
      const errors = validateAnnotations(on, { [key]: value }, 'metadata.annotations');
      if (!message) return assert.deepEqual(errors, []);
      assert.equal(errors.length, 1);
      assert.equal(errors[0]?.path, `metadata.annotations[${key}]`);
      assert.match(errors[0]?.message ?? '', message);
      assert.equal(errors[0]?.strict ?? false, strict ?? false);
    });
  }

  it('rejects a minimum of instances above the maximum, in both spellings', () => {
    for (const [minimum, maximum] of [
      ['minScale', 'maxScale'],
      ['min-scale', 'max-scale'],
    ]) {
      const annotations = {
        [`autoscaling.knative.dev/${minimum}`]: '5',
        [`autoscaling.knative.dev/${maximum}`]: '2',
      };
      const [error] = validateScale(annotations, 'a');
      assert.match(error?.message ?? '', /is 2; it must be at least autoscaling.knative.dev\/minScale, 5/);
    }
  });

  it("treats a maximum of 0 in Knative's spelling as none", () => {
    const annotations = {
      'autoscaling.knative.dev/min-scale': '5',
      'autoscaling.knative.dev/max-scale': '0',
    };
    assert.deepEqual(validateScale(annotations, 'a'), []);
  });

  it('parses flags in any case and nothing else', () => {
    assert.deepEqual(['True', 'true', 'FALSE', '1', undefined].map(parseFlag), [
      true,
      true,
      false,
      undefined,
      undefined,
    ]);
  });

  it('parses a start order with and without quotes, and no other text', () => {
    const order = new Map([['a', ['b', 'c-d.e']]]);
    assert.deepEqual(parseDependencies('{"a":["b","c-d.e"]}'), order);
    assert.deepEqual(parseDependencies('{a: [b, c-d.e]}'), order);
    for (const text of ['', '[]', '{"a":"b"}', 'null', '{a}']) {
      assert.equal(parseDependencies(text), undefined, text);
    }
  });
});
