import type { KubeObject } from '../../../kube/types.ts';
import { AUTOSCALING } from '../../annotations/autoscaling.ts';
import { RUN } from '../../annotations/run.ts';
import { parseUtilizationTarget } from '../../annotations/values.ts';
import { conditionOf, isFalse, isTrue, READY } from '../../condition.ts';
import { parseDuration } from '../../duration.ts';
import { cores, isQuantity } from '../../quantity.ts';
import { manualInstances } from '../service/manualScaling.ts';
import type { Service } from '../service/types.ts';
import { shareOf } from '../traffic/shares.ts';
import type { Target } from '../traffic/targets.ts';
import type { Revision } from './types.ts';

/** How annotations and configuration ask for a revision's number of instances to be scaled. */
export interface ScalingSpec {
  readonly min: number;
  readonly max: number;
  /** Manual mode: exactly so many instances. Undefined leaves the number to the load. */
  readonly manual?: number;
  /** The minimum until the revision is ready; with 0 the first request shows whether it starts. */
  readonly initial: number;
  /** The revision has neither become ready nor failed yet: its instances start, or the cluster still rejects them. */
  readonly pending: boolean;
  /** Its instances do not start. */
  readonly failed: boolean;
  /** Concurrent requests that one instance can take. */
  readonly concurrency: number;
  /** Concurrent requests that one instance should have, as a mean over the window; Infinity: they do not count. */
  readonly targetConcurrency: number;
  /** Cores of one instance. */
  readonly cpu: number;
  /** Cores that one instance should use, as a mean over the window; Infinity: they do not count. */
  readonly targetCpu: number;
  /** How long instances stay without a request. */
  readonly idleMs: number;
  /** How long an instance stays that is not needed, while others are. */
  readonly spareMs: number;
  /** So many start at least when a request comes and there is none; 0 is no such minimum. */
  readonly activation: number;
  readonly windowMs: number;
}

/** Chart values that apply where annotations set none. */
export interface ScalingConfig {
  readonly maxScaleDefault: number;
  readonly concurrencyUtilization: number;
  readonly cpuUtilization: number;
  readonly idleSeconds: number;
  readonly windowSeconds: number;
}

/** Concurrent requests of an instance without a limit (`containerConcurrency: 0`), as Knative counts it. */
const UNLIMITED_CONCURRENCY = 100;
/** Knative's bounds of the window annotation. */
const SHORTEST_WINDOW_MS = 6000;
const LONGEST_MS = 3_600_000;
const SHORTEST_IDLE_MS = 1000;

/**
 * The scaling of a revision from its annotations, its Service's and the configuration. A value that does not
 * parse counts as absent: admission rejects it, and the autoscaler must tolerate objects from before.
 *
 * @param target the revision's share of its Route; undefined when no Route names it. Its minimum holds only
 *   while it is reachable (Cloud Run, minimum instances: a revision with traffic or a tag) or still has to
 *   become ready.
 */
export function scalingSpec(
  revision: Revision,
  service: Service | undefined,
  target: Target | undefined,
  config: ScalingConfig,
): ScalingSpec {
  const { pending, failed } = progressOf(revision);
  const max = maxOf(revision, service, target, config);
  const concurrency = concurrencyOf(revision);
  const cpu = cpuLimit(revision);
  const idleMs = duration(revision, AUTOSCALING.retentionPeriod, 0, LONGEST_MS) ?? config.idleSeconds * 1000;
  const delayMs = duration(revision, AUTOSCALING.scaleDownDelay, 0, LONGEST_MS);
  const windowMs = duration(revision, AUTOSCALING.window, SHORTEST_WINDOW_MS, LONGEST_MS);
  return {
    min: target || pending ? Math.min(minOf(revision, service, target), max) : 0,
    max,
    manual: manualCount(service, target),
    initial: Math.min(count(revision, AUTOSCALING.initialScale) ?? 1, max),
    pending,
    failed,
    concurrency,
    targetConcurrency: concurrency * concurrencyUtilization(revision, config),
    cpu,
    targetCpu: cpu * (utilizationTarget(revision, RUN.scalingCpuTarget) ?? config.cpuUtilization),
    // Knative delays the last instance as well as the others.
    idleMs: Math.max(idleMs, delayMs ?? 0, SHORTEST_IDLE_MS),
    spareMs: Math.max(delayMs ?? idleMs, SHORTEST_IDLE_MS),
    activation: Math.min(count(revision, AUTOSCALING.activationScale) ?? 0, max),
    windowMs: windowMs ?? config.windowSeconds * 1000,
  };
}

/**
 * So many ready instances stay while nodes are drained: one less than the minimum, whatever the load. With a minimum of
 * one or none, no instance is guaranteed: it could never be moved.
 */
export function keptInstances({ manual, min }: Pick<ScalingSpec, 'manual' | 'min'>): number {
  return Math.max(0, (manual ?? min) - 1);
}

/**
 * So many instances start before a revision is ready: the initial scale or the minimum, the larger one (Knative,
 * Configuring scale bounds: Initial scale), or the manual number. Without one it is not known whether it starts.
 */
export function initialInstances({ manual, min, initial }: ScalingSpec): number {
  return Math.max(1, manual ?? Math.max(min, initial));
}

function minOf(revision: Revision, service: Service | undefined, target: Target | undefined): number {
  const own = count(revision, AUTOSCALING.minScale, AUTOSCALING.minScaleKebab) ?? 0;
  return Math.max(own, partOf(count(service, RUN.minScale), target) ?? 0);
}

/** The revision's own maximum, and its part of the Service's. 0 is no limit: Knative's meaning, and of stored objects. */
function maxOf(
  revision: Revision,
  service: Service | undefined,
  target: Target | undefined,
  config: ScalingConfig,
): number {
  const own =
    count(revision, AUTOSCALING.maxScale) ||
    count(revision, AUTOSCALING.maxScaleKebab) ||
    config.maxScaleDefault;
  // A revision without a percentage is bounded by the Service's whole number: it has no part of its own, and
  // one that has just lost its traffic must be able to finish its requests.
  const total = count(service, RUN.maxScale) || Number.POSITIVE_INFINITY;
  return Math.min(own, (Number.isFinite(total) ? partOf(total, target) : undefined) ?? total);
}

/** Manual scaling: the number set on the Service, divided by traffic; a revision with only a tag is scaled by its load. */
function manualCount(service: Service | undefined, target: Target | undefined): number | undefined {
  return partOf(manualInstances(service?.metadata.annotations), target);
}

/** A revision's part of a Service's number; undefined without the number or without traffic. */
function partOf(total: number | undefined, target: Target | undefined): number | undefined {
  if (total === undefined || !target?.percent) return undefined;
  return shareOf(total, target.split, target.revision);
}

/** The limit of requests in an instance, lowered by Knative's soft target if there is one. */
function concurrencyOf(revision: Revision): number {
  const limit = revision.spec.containerConcurrency || UNLIMITED_CONCURRENCY;
  const metric = revision.metadata.annotations?.[AUTOSCALING.metric] ?? 'concurrency';
  if (metric !== 'concurrency') return limit;
  return Math.min(limit, number(revision, AUTOSCALING.target, 0.01, Number.MAX_SAFE_INTEGER) ?? limit);
}

/** The part of its requests that an instance should have: Cloud Run's target, or else Knative's. */
function concurrencyUtilization(revision: Revision, config: ScalingConfig): number {
  const percentage = number(revision, AUTOSCALING.targetUtilizationPercentage, 1, 100);
  const other = percentage === undefined ? config.concurrencyUtilization : percentage / 100;
  return utilizationTarget(revision, RUN.scalingConcurrencyTarget) ?? other;
}

function utilizationTarget({ metadata }: Revision, key: string): number | undefined {
  return parseUtilizationTarget(metadata.annotations?.[key]);
}

/** Cores of all containers of an instance; one for a container that declares none (Cloud Run's default). */
function cpuLimit(revision: Revision): number {
  const limits = revision.spec.containers.map(({ resources }) => resources?.limits?.cpu ?? 1);
  return limits.reduce<number>((sum, limit) => sum + ((isQuantity(limit) && cores(limit)) || 1), 0);
}

/**
 * A revision whose containers do not start has False in both conditions. One whose pods the cluster rejects is still
 * pending: it has none, and the ReplicaSet retries as long as the number asks for some.
 */
function progressOf({ status }: Revision): { pending: boolean; failed: boolean } {
  const ready = conditionOf(status?.conditions, READY);
  const failed = isFalse(ready) && isFalse(conditionOf(status?.conditions, 'ContainerHealthy'));
  return { pending: !isTrue(ready) && !failed, failed };
}

/** The count of the first of these keys with a valid one. */
function count(object: KubeObject | undefined, ...keys: string[]): number | undefined {
  for (const key of keys) {
    const text = object?.metadata.annotations?.[key]?.trim();
    if (text && /^\d{1,9}$/.test(text)) return Number(text);
  }
  return undefined;
}

function number(object: KubeObject, key: string, minimum: number, maximum: number): number | undefined {
  const value = Number(object.metadata.annotations?.[key]?.trim() || Number.NaN);
  return value >= minimum && value <= maximum ? value : undefined;
}

/** Milliseconds of a Go duration. */
function duration(object: KubeObject, key: string, minimum: number, maximum: number): number | undefined {
  const value = parseDuration(object.metadata.annotations?.[key] ?? '') ?? Number.NaN;
  return value >= minimum && value <= maximum ? value : undefined;
}
