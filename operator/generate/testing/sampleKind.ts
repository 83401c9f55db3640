/**
 * All that a new kind takes, by path: the folder of its API and its reconciler. The last file is its test, which runs
 * where the kind has been added and everything has been generated.
 */
export const SAMPLE_FILES: Readonly<Record<string, string>> = {
  'operator/apis/run/sample/schema.ts': `
import { int32, object } from '../../schema.ts';
import { statusFields } from '../../serving/statusSchema.ts';

export const SampleSpecSchema = object('Desired state.', {
  size: int32(1, 9, 'Size of the sample; 3 when unset.'),
});
export const SampleStatusSchema = object('Observed state of the sample.', statusFields);
`,
  'operator/apis/run/sample/types.ts': `
import type { Static } from 'typebox';
import { type KubeObject, namespaced } from '../../../kube/types.ts';
import type { SampleSpecSchema, SampleStatusSchema } from './schema.ts';

export interface Sample extends KubeObject {
  spec: Static<typeof SampleSpecSchema>;
  status?: Static<typeof SampleStatusSchema>;
}

export const SAMPLES = namespaced<Sample>('run.googleapis.com/v1', 'Sample', 'samples');
`,
  'operator/apis/run/sample/kind.ts': `
import { defineKind } from '../../kind.ts';
import { READY_COLUMNS } from '../../serving/statusSchema.ts';
import { SampleSpecSchema, SampleStatusSchema } from './schema.ts';
import { SAMPLES, type Sample } from './types.ts';

export const SAMPLE = defineKind<Sample>(SAMPLES, {
  shortNames: ['smp'],
  categories: ['run'],
  description: 'A kind that a test adds.',
  columns: READY_COLUMNS,
  maxNameLength: 63,
  spec: SampleSpecSchema,
  parts: [],
  status: SampleStatusSchema,
  rules: [],
  healthCondition: 'Ready',
  default: (sample) => ({ ...sample, spec: { ...sample.spec, size: sample.spec.size ?? 3 } }),
  validate: ({ spec: { size = 3 } }) =>
    size % 2 === 1 ? [] : [{ path: 'spec.size', value: size, message: \`is \${size}; it must be odd\` }],
  warnings: ({ spec }) => (spec.size === 9 ? [{ path: 'spec.size', message: 'is large' }] : []),
});
`,
  'operator/reconcilers/sample/reconciler.ts': `
import { mergeConditions } from '../../apis/condition.ts';
import { Controller } from '../../kube/controller.ts';
import { keyOf } from '../../kube/types.ts';
import type { Permission } from '../../rbac.ts';
import { type Context, executorOf } from '../context.ts';
import { storesFor } from '../informers.ts';

export const permissions: Permission[] = [
  { apiGroups: ['run.googleapis.com'], resources: ['samples/status'], verbs: ['patch'] },
];

export function sampleController(context: Context): Controller {
  const { informers, now, log } = context;
  const reconcile = async (key: string) => {
    const sample = stores.samples.get(key);
    if (!sample) return;
    const message = \`has size \${sample.spec.size}\`;
    const ready = { type: 'Ready', status: 'True', message } as const;
    const conditions = mergeConditions(sample.status?.conditions, [ready], now());
    const status = { ...sample, status: { observedGeneration: sample.metadata.generation, conditions } };
    return executor.execute(sample, { apply: [], remove: [], events: [], status });
  };
  const controller = new Controller({ name: 'sample', workers: 1, reconcile, log });
  const stores = storesFor(controller, informers, 'samples');
  const executor = executorOf(context, 'sample', stores, () => undefined);
  return controller.watch(informers.samples, ({ metadata }) => [keyOf(metadata)]);
}
`,
  'operator/apis/run/sample/sample.test.ts': `
import { deepEqual, equal, match } from 'node:assert/strict';
import type { KubeObject } from '../../../kube/types.ts';
import { RECONCILERS } from '../../../reconcilers/index.ts';
import { FakeApiServer } from '../../../testing/fakeApiServer.ts';
import { ServingProcess } from '../../../testing/servingProcess.ts';
import { until } from '../../../testing/until.ts';
import { admitDefault, admitValidate } from '../../../webhook/admission/admit.ts';
import { patched, patchOf } from '../../../webhook/testing/patch.ts';
import { LENIENT, requestFor } from '../../../webhook/testing/requests.ts';
import { KIND_TYPES } from '../../kinds.ts';
import { SAMPLES, type Sample } from './types.ts';

const sample = (spec: object): KubeObject & { spec: Sample['spec'] } => ({
  apiVersion: 'run.googleapis.com/v1',
  kind: 'Sample',
  metadata: { name: 'hello', namespace: 'demo' },
  spec,
});
const asked = (spec: object) => requestFor(sample(spec), { kind: 'Sample' });

describe('a new kind', () => {
  it('gets its defaults', () => {
    const filled = patched(sample({}), patchOf(admitDefault(asked({}), LENIENT))) as Sample;
    equal(filled.spec.size, 3);
  });

  it('is refused with what its schema and its rules say, and warned of', () => {
    const message = (size: number) => admitValidate(asked({ size }), LENIENT).status?.message ?? '';
    match(message(11), /spec.size: is 11; it must be a whole number from 1 to 9/);
    match(message(2), /spec.size: is 2; it must be odd/);
    deepEqual(admitValidate(asked({ size: 9 }), LENIENT).warnings, ['spec.size: is large']);
  });

  it('is reconciled', async () => {
    const server = await FakeApiServer.start({ types: KIND_TYPES });
    const running = new ServingProcess(server, RECONCILERS.map(({ controller }) => controller));
    await server.client.create(SAMPLES, sample({ size: 5 }));
    const message = () =>
      server.get(SAMPLES, { namespace: 'demo', name: 'hello' })?.status?.conditions?.[0]?.message;
    equal(await until('its condition', message), 'has size 5');
    await running.stop();
    await server.close();
  });
});
`,
};

/** What is added to operator/apis/kinds.ts: the kind, and where it comes from. */
export const SAMPLE_ENTRY = {
  line: '  samples: SAMPLE,\n',
  import: "import { SAMPLE } from './run/sample/kind.ts';\n",
} as const;
