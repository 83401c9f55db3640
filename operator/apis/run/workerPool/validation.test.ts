import assert from 'node:assert/strict';
import { parse } from 'yaml';
import { errorsOf } from '../../testing/errors.ts';
import { WORKER_POOL } from './kind.ts';
import type { WorkerPool } from './types.ts';
import { validateWorkerPool } from './validation.ts';

interface Case {
  reason: string;
  /** `metadata.annotations`, less `run.googleapis.com/`. */
  annotations?: string;
  /** What stands in `spec` beside the template. */
  spec?: string;
  container?: string;
  template?: string;
  /** Annotations of the template, less `run.googleapis.com/`. */
  templateAnnotations?: string;
  /** Whether only strict mode rejects it. */
  strict?: true;
  /** Names of the revisions that the pool has. */
  revisions?: string[];
  errors: [path: string, message: RegExp][];
}

const ANNOTATION = 'metadata.annotations[run.googleapis.com/';

const CASES: Record<string, Case> = {
  nothing: { reason: 'a pool needs an image alone', errors: [] },
  'a negative number': {
    reason: 'there cannot be fewer than none',
    annotations: '{manualInstanceCount: "-1"}',
    spec: '{manualInstanceCount: -1}',
    errors: [
      ['spec.manualInstanceCount', /is -1; it must be a whole number from 0 to 2147483647/],
      [`${ANNOTATION}manualInstanceCount]`, /is "-1"; it must be a whole number from 0 to 2147483647/],
    ],
  },
  'a fraction': {
    reason: 'an instance runs or does not',
    annotations: '{manualInstanceCount: "1.5"}',
    spec: '{manualInstanceCount: 1.5}',
    errors: [
      ['spec.manualInstanceCount', /is 1.5; it must be a whole number/],
      [`${ANNOTATION}manualInstanceCount]`, /is "1.5"; it must be a whole number/],
    ],
  },
  'a PORT, in the first generation environment': {
    reason: 'neither is for workers',
    templateAnnotations: '{execution-environment: gen1}',
    strict: true,
    container: '{env: [{name: PORT, value: "1"}]}',
    errors: [
      [
        'spec.template.metadata.annotations[run.googleapis.com/execution-environment]',
        /is "gen1"; jobs and worker pools run in gen2 only/,
      ],
      ['spec.template.spec.containers[0].env[0].name', /is "PORT", which Cloud Run reserves/],
    ],
  },
  'automatic scaling': {
    reason: 'a pool has no requests to follow',
    annotations: '{scalingMode: automatic}',
    errors: [[`${ANNOTATION}scalingMode]`, /is "automatic"; it must be manual/]],
    strict: true,
  },
  'an unheard-of mode': {
    reason: 'and no other mode',
    annotations: '{scalingMode: fast}',
    errors: [[`${ANNOTATION}scalingMode]`, /is "fast"; it must be manual/]],
  },
  'no surge': {
    reason: 'nothing could ever move',
    annotations: '{max-surge: "0"}',
    errors: [[`${ANNOTATION}max-surge]`, /is 0; it must be a whole number from 1 to 100 while/]],
  },
  'no surge, but some may be missing': {
    reason: 'instances move through the gap',
    annotations: '{max-surge: "0", max-unavailable: "1"}',
    errors: [],
  },
  'steps beyond all': {
    reason: 'percents end at 100',
    annotations: '{max-surge: "101", max-unavailable: "-1"}',
    errors: [
      [`${ANNOTATION}max-surge]`, /is "101"; it must be a whole number from 0 to 100/],
      [`${ANNOTATION}max-unavailable]`, /is "-1"/],
    ],
  },
  'a port': {
    reason: 'it would receive no requests',
    container: '{ports: [{containerPort: 80}]}',
    errors: [['spec.template.spec.containers[0].ports', /has port 80; it must be empty/]],
    strict: true,
  },
  concurrency: {
    reason: 'there are no requests to count',
    template: '{containerConcurrency: 5}',
    errors: [['spec.template.spec.containerConcurrency', /is 5; it must be unset or 0/]],
  },
  'splits that sum to 90': {
    reason: 'the remaining share is unassigned',
    spec: '{instanceSplits: [{latestRevision: true, percent: 90}]}',
    errors: [['spec.instanceSplits', /sum to 90; they must sum to 100/]],
  },
  'a share of 101': {
    reason: 'the sum alone is not enough',
    spec: '{instanceSplits: [{latestRevision: true, percent: 101}, {revisionName: queue-a, percent: -1}]}',
    errors: [
      ['spec.instanceSplits[0].percent', /is 101; it must be a whole number from 0 to 100/],
      ['spec.instanceSplits[1].percent', /is -1/],
    ],
  },
  "another pool's revision": {
    reason: 'its name shows it',
    spec: '{instanceSplits: [{revisionName: other-a, percent: 100}]}',
    errors: [['spec.instanceSplits[0].revisionName', /is "other-a"; it must be a revision of this pool/]],
  },
  'a revision that is not there': {
    reason: 'the message lists the existing ones',
    spec: '{instanceSplits: [{revisionName: queue-c, percent: 100}]}',
    revisions: ['queue-a', 'queue-b'],
    errors: [
      [
        'spec.instanceSplits[0].revisionName',
        /is "queue-c"; it must be one of this pool's revisions: queue-a, queue-b$/,
      ],
    ],
  },
  'a revision that is there': {
    reason: 'and a share of it is fine',
    spec: '{instanceSplits: [{revisionName: queue-b, percent: 100}]}',
    revisions: ['queue-a', 'queue-b'],
    errors: [],
  },
};

describe('validateWorkerPool', () => {
  for (const [name, { reason, errors, revisions, strict = false, ...parts }] of Object.entries(CASES)) {
    it(`${errors.length === 0 ? 'accepts' : 'rejects'} ${name}: ${reason}`, () => {
      const found = errorsOf(WORKER_POOL, poolOf(parts), undefined, { revisions });
      assert.deepEqual(
        found.map(({ path }) => path),
        errors.map(([path]) => path),
      );
      for (const [i, [, message]] of errors.entries()) assert.match(found[i]?.message ?? '', message);
      assert.ok(found.every((error) => Boolean(error.strict) === strict));
    });
  }

  it('rejects a changed template under the name of the previous revision', () => {
    const named = (image: string) => {
      const pool = poolOf({ container: `{image: ${image}}` });
      return {
        ...pool,
        spec: { ...pool.spec, template: { ...pool.spec.template, metadata: { name: 'queue-a' } } },
      };
    };
    assert.deepEqual(validateWorkerPool(named('a'), named('a')), []);
    assert.match(
      validateWorkerPool(named('b'), named('a'))[0]?.message ?? '',
      /a changed template needs a new name/,
    );
  });
});

function poolOf({
  annotations = '{}',
  templateAnnotations = '{}',
  spec = '{}',
  container = '{}',
  template = '{}',
}: Partial<Case>): WorkerPool {
  const keyed = (text: string) =>
    Object.fromEntries(
      Object.entries(parse(text) as Record<string, string>).map(([key, value]) => [
        `run.googleapis.com/${key}`,
        value,
      ]),
    );
  return {
    apiVersion: 'run.googleapis.com/v1',
    kind: 'WorkerPool',
    metadata: {
      name: 'queue',
      namespace: 'demo',
      annotations: keyed(annotations),
    },
    spec: {
      template: {
        metadata: { annotations: keyed(templateAnnotations) },
        spec: { containers: [{ image: 'app', ...parse(container) }], ...parse(template) },
      },
      ...parse(spec),
    },
  } as WorkerPool;
}
