import { type Annotation, honoured, ignored, keysOf, knative, REVISION } from './annotation.ts';
import { FIXED_SIZE } from './run/scaling.ts';
import { decimalNumber, durationWithin, MAXIMUM, wholeNumber } from './values.ts';

/** Scaling of one revision (Cloud Run API v1 and Knative Serving, Configuring scale bounds). */
export const AUTOSCALING_ANNOTATIONS = {
  minScale: {
    key: 'autoscaling.knative.dev/minScale',
    on: REVISION,
    value: wholeNumber(0),
    effect: honoured(),
    effects: { WorkerPool: ignored(FIXED_SIZE) },
  },
  maxScale: {
    key: 'autoscaling.knative.dev/maxScale',
    on: REVISION,
    value: MAXIMUM,
    effect: honoured(),
    effects: { WorkerPool: ignored(FIXED_SIZE) },
  },
  minScaleKebab: {
    key: 'autoscaling.knative.dev/min-scale',
    on: REVISION,
    value: wholeNumber(0),
    effect: knative("Knative's spelling of minScale"),
  },
  maxScaleKebab: {
    key: 'autoscaling.knative.dev/max-scale',
    on: REVISION,
    value: wholeNumber(0),
    effect: knative("Knative's spelling of maxScale, where 0 is no maximum"),
  },
  initialScale: {
    key: 'autoscaling.knative.dev/initial-scale',
    on: REVISION,
    value: wholeNumber(0),
    effect: knative('instances that start before the revision becomes ready; 1 when unset'),
  },
  window: {
    key: 'autoscaling.knative.dev/window',
    on: REVISION,
    value: durationWithin('6s', '1h'),
    effect: knative('duration over which load is averaged'),
  },
  target: {
    key: 'autoscaling.knative.dev/target',
    on: REVISION,
    value: decimalNumber(0.01),
    effect: knative('concurrent requests that one instance should have on average'),
  },
  targetUtilizationPercentage: {
    key: 'autoscaling.knative.dev/target-utilization-percentage',
    on: REVISION,
    value: decimalNumber(1, 100),
    effect: knative('percentage of its concurrent requests that one instance should have on average'),
  },
  retentionPeriod: {
    key: 'autoscaling.knative.dev/scale-to-zero-pod-retention-period',
    on: REVISION,
    value: durationWithin('0s', '1h'),
    effect: knative('duration for which an idle instance stays'),
  },
  scaleDownDelay: {
    key: 'autoscaling.knative.dev/scale-down-delay',
    on: REVISION,
    value: durationWithin('0s', '1h'),
    effect: knative('duration for which an instance stays that is no longer needed, while others are'),
  },
  activationScale: {
    key: 'autoscaling.knative.dev/activation-scale',
    on: REVISION,
    value: wholeNumber(1),
    effect: knative('instances that start for a request when there is none'),
  },
  metric: {
    key: 'autoscaling.knative.dev/metric',
    on: REVISION,
    effect: knative('target is used only with concurrency, the default'),
  },
} as const satisfies Record<string, Annotation>;

export const AUTOSCALING = keysOf(AUTOSCALING_ANNOTATIONS);
