import { Window } from '../window.ts';
import type { Rules, Seen, Terms } from './rules.ts';
import { SlidingMax } from './slidingMax.ts';

// Knative's defaults (Knative, config-autoscaler).
const TICK_MS = 2000;
const PANIC_WINDOW = 0.1;
const PANIC_THRESHOLD = 2;
const MAX_SCALE_UP_RATE = 1000;
const MAX_SCALE_DOWN_RATE = 2;
const TARGET_BURST_CAPACITY = 211;
const SCALE_TO_ZERO_GRACE_MS = 30_000;

/**
 * The rules of the Knative Pod Autoscaler, written from its documents (Knative, Additional autoscaling configuration for
 * Knative Pod Autoscaler, Configuring scale to zero, Configuring target burst capacity). The retention is its
 * scale-down-delay, less the stable window: the last instance is needed for that time anyway.
 */
export function kpa({ concurrency, utilization, retentionMs, windowMs, max }: Terms): Rules {
  const target = concurrency * utilization;
  const delayed = new SlidingMax(Math.max(retentionMs - windowMs, 1));
  let stable: Window | undefined;
  let panic: Window | undefined;
  let nextAt = 0;
  let panicAt: number | undefined;
  let panicPods = 0;
  let idleSince: number | undefined;
  let wanted = 0;

  /** In panic the number never falls; it ends when there was no reason for it within the stable window. */
  const desired = ({ now, ready }: Seen, inStable: number, inPanic: number): number => {
    const pods = Math.max(1, ready);
    const most = Math.ceil(MAX_SCALE_UP_RATE * pods);
    const least = Math.floor(pods / MAX_SCALE_DOWN_RATE);
    const bounded = (load: number) => Math.min(Math.max(Math.ceil(load / target), least), most);
    if (Math.ceil(inPanic / target) / pods >= PANIC_THRESHOLD) panicAt = now;
    else if (panicAt !== undefined && panicAt + windowMs < now) panicAt = undefined;
    panicPods = panicAt === undefined ? 0 : Math.max(panicPods, bounded(inStable), bounded(inPanic));
    return Math.max(panicPods, bounded(inStable));
  };

  /** With excess burst capacity the activator is not in the path: it takes its place before the last instance goes. */
  const lastInstance = ({ now, ready }: Seen, inPanic: number): number => {
    idleSince ??= now;
    const excess = Math.floor(ready * concurrency - TARGET_BURST_CAPACITY - inPanic);
    return now - idleSince < (excess >= 0 ? SCALE_TO_ZERO_GRACE_MS : 0) ? 1 : 0;
  };

  return {
    drains: false,
    next(seen) {
      const { now, replicas, requests } = seen;
      stable ??= new Window(windowMs, 0, now);
      panic ??= new Window(windowMs * PANIC_WINDOW, 0, now);
      stable.add(requests?.mean ?? 0, now);
      panic.add(requests?.mean ?? 0, now);
      // The activator reports the first request at once.
      const isWoken = replicas > wanted;
      if (now < nextAt && !isWoken) return wanted;
      nextAt = now + TICK_MS;
      const inPanic = panic.mean(now) ?? 0;
      const later = delayed.add(desired(seen, stable.mean(now) ?? 0, inPanic), now);
      if (later > 0) idleSince = undefined;
      wanted = later > 0 || replicas === 0 ? Math.min(later, max) : lastInstance(seen, inPanic);
      return wanted;
    },
  };
}
