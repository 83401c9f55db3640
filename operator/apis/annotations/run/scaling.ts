import { type Annotation, honoured, ignored, REVISION, SCALED } from '../annotation.ts';
import { SERVING } from '../serving.ts';
import { FLAG, isOff, MAXIMUM, oneOf, UTILIZATION_TARGET, wholeNumber } from '../values.ts';

export const FIXED_SIZE =
  'run.googleapis.com/manualInstanceCount sets the number of instances of a worker pool';
const ONE_STEP = ignored(`traffic moves in one step, or over the time that ${SERVING.rolloutDuration} gives`);

/** How many instances a whole service or worker pool has, and how much one instance of a service should be used. */
export const SCALING = {
  minScale: {
    key: 'run.googleapis.com/minScale',
    on: SCALED,
    value: wholeNumber(0),
    effect: honoured(),
    effects: { WorkerPool: ignored(FIXED_SIZE) },
  },
  maxScale: {
    key: 'run.googleapis.com/maxScale',
    on: SCALED,
    value: MAXIMUM,
    effect: honoured(),
    effects: { WorkerPool: ignored(FIXED_SIZE) },
  },
  scalingMode: {
    key: 'run.googleapis.com/scalingMode',
    on: SCALED,
    value: oneOf('automatic', 'manual'),
    effect: honoured(),
    effects: { WorkerPool: honoured('manual is the only mode') },
  },
  manualInstanceCount: {
    key: 'run.googleapis.com/manualInstanceCount',
    on: SCALED,
    value: wholeNumber(0),
    effect: honoured(),
    effects: {
      WorkerPool: honoured(
        'each change of it is copied to spec.manualInstanceCount, which kubectl scale and autoscalers change too',
      ),
    },
  },
  maxSurge: {
    key: 'run.googleapis.com/max-surge',
    on: SCALED,
    value: wholeNumber(0, 100),
    effect: ONE_STEP,
    effects: { WorkerPool: honoured('percent of the instances, rounded up; 100 when unset') },
  },
  maxUnavailable: {
    key: 'run.googleapis.com/max-unavailable',
    on: SCALED,
    value: wholeNumber(0, 100),
    effect: ONE_STEP,
    effects: { WorkerPool: honoured('percent of the instances, rounded down; 0 when unset') },
  },
  scalingCpuTarget: {
    key: 'run.googleapis.com/scaling-cpu-target',
    on: REVISION,
    value: UTILIZATION_TARGET,
    effect: honoured('the CPU that an instance should use on average; autoscaler.cpuUtilization when unset'),
    effects: { WorkerPool: ignored(FIXED_SIZE) },
  },
  scalingConcurrencyTarget: {
    key: 'run.googleapis.com/scaling-concurrency-target',
    on: REVISION,
    value: UTILIZATION_TARGET,
    effect: honoured(
      'the part of its concurrent requests that an instance should have on average; autoscaler.concurrencyUtilization when unset',
    ),
    effects: { WorkerPool: ignored(FIXED_SIZE) },
  },
  overflowScaling: {
    key: 'run.googleapis.com/overflow-scaling',
    on: REVISION,
    value: FLAG,
    effect: ignored('instances stay in this cluster', isOff),
  },
} as const satisfies Record<string, Annotation>;
