import assert from 'node:assert/strict';
import { parseConfig } from '../../../config.ts';
import type { Service } from '../service/types.ts';
import type { Target } from '../traffic/targets.ts';
import { initialInstances, type ScalingSpec, scalingSpec } from './scaling.ts';
import type { Revision } from './types.ts';

const config = parseConfig({}).autoscaler;

type Text = Record<string, string>;

interface Case {
  /** Annotations of the revision, without their domain. */
  revision?: Text;
  /** Cloud Run's own annotations of the revision, without their domain. */
  targets?: Text;
  /** Annotations of the Service, without their domain. */
  service?: Text;
  /** Percentages of revisions a, b, ...; the one asked for is a. Empty is a tag alone, undefined no route. */
  percents?: number[];
  conditions?: Text;
  spec?: Partial<Revision['spec']>;
  want: Partial<ScalingSpec>;
  reason: string;
}

const prefixed = (domain: string, texts: Text = {}) =>
  Object.fromEntries(Object.entries(texts).map(([key, value]) => [`${domain}/${key}`, value]));

function specOf({
  revision,
  targets,
  service,
  percents = [100],
  conditions = { Ready: 'True' },
  spec,
}: Case): ScalingSpec {
  const split = percents.map((percent, index) => ({ revision: String.fromCharCode(97 + index), percent }));
  const target: Target = { revision: 'a', percent: percents[0] ?? 0, split };
  return scalingSpec(
    {
      metadata: {
        name: 'a',
        annotations: {
          ...prefixed('autoscaling.knative.dev', revision),
          ...prefixed('run.googleapis.com', targets),
        },
      },
      spec: { containerConcurrency: 80, containers: [{ name: 'app', image: 'app' }], ...spec },
      status: { conditions: Object.entries(conditions).map(([type, status]) => ({ type, status })) },
    } as Revision,
    service && ({ metadata: { name: 's', annotations: prefixed('run.googleapis.com', service) } } as Service),
    target,
    config,
  );
}

describe('scalingSpec', () => {
  const cases: Record<string, Case> = {
    defaults: {
      want: {
        min: 0,
        max: 100,
        manual: undefined,
        concurrency: 80,
        targetConcurrency: 48,
        idleMs: 900_000,
        windowMs: 60_000,
      },
      reason: 'Cloud Run: 60% of 80 over a minute, 100 instances, 15 minutes idle',
    },
    'revision bounds': {
      revision: { minScale: '2', maxScale: '7' },
      want: { min: 2, max: 7 },
      reason: "Cloud Run's spelling",
    },
    'Knative bounds': {
      revision: { 'min-scale': '2', 'max-scale': '7' },
      want: { min: 2, max: 7 },
      reason: "Knative's spelling",
    },
    'maximum 0': {
      revision: { maxScale: '0' },
      want: { max: 100 },
      reason: 'from before it was refused: no limit of its own',
    },
    'maximum 0 beside another': {
      revision: { maxScale: '0', 'max-scale': '5' },
      want: { max: 5 },
      reason: '0 is no limit, and so hides none',
    },
    'both spellings': {
      revision: { maxScale: '4', 'max-scale': '5', minScale: '2', 'min-scale': '1' },
      want: { min: 2, max: 4 },
      reason: "Cloud Run's takes precedence",
    },
    'maximum 0 of the service, beside a minimum': {
      revision: { maxScale: '0' },
      service: { maxScale: '0', minScale: '1' },
      want: { min: 1, max: 100 },
      reason: 'never "no instance, all wait" (hashicorp/terraform-provider-google#19178)',
    },
    'minimum above maximum': {
      revision: { minScale: '9', maxScale: '3' },
      want: { min: 3, max: 3 },
      reason: 'the maximum is the limit',
    },
    nonsense: {
      revision: { minScale: 'two', maxScale: '-1', window: 'soon', target: 'x', 'initial-scale': '' },
      want: { min: 0, max: 100, windowMs: 60_000, concurrency: 80, initial: 1 },
      reason: 'what does not parse counts as absent',
    },
    'service minimum, shared': {
      service: { minScale: '4' },
      percents: [75, 25],
      want: { min: 3 },
      reason: 'by traffic',
    },
    'both minima': {
      revision: { minScale: '5' },
      service: { minScale: '4' },
      want: { min: 5 },
      reason: 'the larger one keeps both promises',
    },
    'service maximum, shared': {
      service: { maxScale: '10' },
      percents: [30, 70],
      want: { max: 3 },
      reason: 'by traffic',
    },
    'both maxima': {
      revision: { maxScale: '2' },
      service: { maxScale: '10' },
      want: { max: 2 },
      reason: 'the smaller one keeps both limits',
    },
    'service maximum without traffic': {
      service: { maxScale: '10' },
      percents: [0, 100],
      want: { max: 10 },
      reason: 'requests that began before the traffic moved still need their instances',
    },
    'service minimum without traffic': {
      service: { minScale: '10' },
      percents: [0, 100],
      want: { min: 0 },
      reason: 'its part is zero',
    },
    manual: {
      service: { scalingMode: 'manual', manualInstanceCount: '3' },
      want: { manual: 3 },
      reason: 'the number on the Service',
    },
    'manual, shared': {
      service: { scalingMode: 'MANUAL', manualInstanceCount: '3' },
      percents: [10, 90],
      want: { manual: 1 },
      reason: 'traffic needs an instance',
    },
    'manual zero': {
      service: { scalingMode: 'manual', manualInstanceCount: '0' },
      want: { manual: 0 },
      reason: 'the service is switched off',
    },
    'manual, a tag alone': {
      service: { scalingMode: 'manual', manualInstanceCount: '3' },
      percents: [0, 100],
      want: { manual: undefined },
      reason: 'it has no part of the number',
    },
    'automatic with a number': {
      service: { scalingMode: 'automatic', manualInstanceCount: '3' },
      want: { manual: undefined },
      reason: 'the mode decides',
    },
    'unlimited concurrency': {
      spec: { containerConcurrency: 0 },
      want: { concurrency: 100, targetConcurrency: 60 },
      reason: "Knative's default target",
    },
    'soft target': {
      revision: { target: '10', 'target-utilization-percentage': '90' },
      want: { concurrency: 10, targetConcurrency: 9 },
      reason: 'Knative: the target lowers the limit',
    },
    'custom targets': {
      targets: { 'scaling-cpu-target': '0.75', 'scaling-concurrency-target': '50%' },
      want: { targetCpu: 0.75, targetConcurrency: 40 },
      reason: 'Cloud Run: custom scaling controls',
    },
    'a custom target beside that of Knative': {
      revision: { 'target-utilization-percentage': '90' },
      targets: { 'scaling-concurrency-target': '0.5' },
      want: { targetConcurrency: 40, targetCpu: 0.6 },
      reason: "Cloud Run's own counts",
    },
    'no target for CPU': {
      targets: { 'scaling-cpu-target': 'disabled' },
      want: { targetCpu: Number.POSITIVE_INFINITY, targetConcurrency: 48 },
      reason: 'no use of CPU is too much',
    },
    'no target for requests': {
      targets: { 'scaling-concurrency-target': 'disabled' },
      want: { targetCpu: 0.6, targetConcurrency: Number.POSITIVE_INFINITY, concurrency: 80 },
      reason: 'the limit of an instance remains',
    },
    'a target out of range': {
      targets: { 'scaling-cpu-target': '1.5', 'scaling-concurrency-target': 'x' },
      want: { targetCpu: 0.6, targetConcurrency: 48 },
      reason: 'what does not parse counts as absent',
    },
    'soft target above the limit': {
      revision: { target: '200' },
      want: { concurrency: 80 },
      reason: 'the limit holds',
    },
    'target of another metric': {
      revision: { target: '10', metric: 'rps' },
      want: { concurrency: 80 },
      reason: 'it counts no requests at once',
    },
    times: {
      revision: { window: '30s', 'scale-to-zero-pod-retention-period': '1m30s' },
      want: { windowMs: 30_000, idleMs: 90_000 },
      reason: 'Go durations',
    },
    'scale-down delay': {
      revision: { 'scale-down-delay': '2m' },
      want: { spareMs: 120_000, idleMs: 900_000 },
      reason: 'of instances that are not needed; the last stays for the idle time',
    },
    'scale-down delay above the idle time': {
      revision: { 'scale-down-delay': '30m', 'scale-to-zero-pod-retention-period': '1m' },
      want: { spareMs: 1_800_000, idleMs: 1_800_000 },
      reason: 'Knative delays the last instance too',
    },
    'no scale-down delay': {
      revision: { 'scale-down-delay': '2h', 'scale-to-zero-pod-retention-period': '1m' },
      want: { spareMs: 60_000, idleMs: 60_000 },
      reason: 'one hour at most, and what is out of range counts as absent',
    },
    'activation scale': {
      revision: { 'activation-scale': '5', 'max-scale': '3' },
      want: { activation: 3, min: 0 },
      reason: 'the maximum is the limit',
    },
    'no activation scale': { want: { activation: 0 }, reason: 'requests alone decide' },
    'window too short': {
      revision: { window: '1s' },
      want: { windowMs: 60_000 },
      reason: 'Knative: 6 s at least',
    },
    'no idle time': {
      revision: { 'scale-to-zero-pod-retention-period': '0s' },
      want: { idleMs: 1000 },
      reason: 'one tick at least',
    },
    'CPU of all containers': {
      spec: {
        containers: [
          { name: 'app', image: 'app', resources: { limits: { cpu: '2' } } },
          { name: 'sidecar', image: 'sidecar', resources: { limits: { cpu: '500m' } } },
        ],
      } as Partial<Revision['spec']>,
      want: { targetCpu: 1.5 },
      reason: '60% of 2.5',
    },
    'CPU without a limit': { want: { targetCpu: 0.6 }, reason: 'one core is the default' },
    pending: {
      conditions: { Ready: 'Unknown' },
      revision: { 'initial-scale': '3' },
      want: { pending: true, failed: false, initial: 3 },
      reason: 'Ready is not decided',
    },
    'pending at zero': {
      conditions: { Ready: 'Unknown' },
      revision: { 'initial-scale': '0' },
      want: { pending: true, initial: 0 },
      reason: 'the first request starts the first instance',
    },
    'without a status': {
      conditions: {},
      want: { pending: true, failed: false },
      reason: 'Ready is not decided',
    },
    failed: {
      conditions: { Ready: 'False', ContainerHealthy: 'False' },
      want: { pending: false, failed: true },
      reason: 'its containers do not start',
    },
    'rejected by the cluster': {
      conditions: { Ready: 'False', ContainerHealthy: 'Unknown', ResourcesAvailable: 'False' },
      want: { pending: true, failed: false },
      reason: 'a quota may be raised; no controller would retry if no instance were asked for',
    },
  };
  for (const [name, test] of Object.entries(cases)) {
    it(name, () => {
      const spec = specOf(test);
      const keys = Object.keys(test.want) as (keyof ScalingSpec)[];
      assert.deepEqual(Object.fromEntries(keys.map((key) => [key, spec[key]])), test.want, test.reason);
    });
  }

  const initial: Record<string, [test: Partial<Case>, count: number]> = {
    'one unless more are asked for': [{}, 1],
    'its minimum': [{ revision: { minScale: '3', 'initial-scale': '2' } }, 3],
    'its initial scale': [{ revision: { minScale: '2', 'initial-scale': '3' } }, 3],
    'no more than the maximum': [{ revision: { minScale: '3', maxScale: '2' } }, 2],
    'its part of the manual number': [
      { service: { scalingMode: 'manual', manualInstanceCount: '4' }, percents: [50, 50] },
      2,
    ],
    'one where an instance tells whether it starts': [{ revision: { 'initial-scale': '0' } }, 1],
  };
  for (const [name, [test, count]] of Object.entries(initial)) {
    it(`has so many start before a revision is ready: ${name}`, () => {
      const spec = specOf({ want: {}, reason: '', conditions: { Ready: 'Unknown' }, ...test });
      assert.equal(initialInstances(spec), count);
    });
  }

  const unreachable = (conditions: Text) =>
    scalingSpec(
      {
        metadata: { name: 'a', annotations: { 'autoscaling.knative.dev/minScale': '3' } },
        spec: { containers: [] },
        status: { conditions: Object.entries(conditions).map(([type, status]) => ({ type, status })) },
      } as unknown as Revision,
      undefined,
      undefined,
      config,
    );

  it('drops the minimum of a revision that no route reaches', () => {
    assert.equal(unreachable({ Ready: 'True' }).min, 0);
  });

  it('has the minimum up before a new revision takes traffic', () => {
    assert.equal(unreachable({ Ready: 'Unknown' }).min, 3);
  });
});
