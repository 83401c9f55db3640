import type { Rules, Terms } from './rules.ts';
import { SlidingMax } from './slidingMax.ts';

// The defaults of kube-controller-manager and of an HPA's behavior.
const SYNC_SECONDS = 15;
const TOLERANCE = 0.1;
const DOWN_STABILIZATION_MS = 300_000;
const UP_PODS = 4;
const UP_RATE = 2;

/**
 * The rules of a HorizontalPodAutoscaler (Kubernetes, Horizontal Pod Autoscaling: Algorithm details, Default behavior) on
 * the same requests, as an Object metric with an AverageValue. It has minReplicas 0 (feature gate HPAScaleToZero), and is
 * woken as the others are: with a minimum of 1 it would never change in traffic that needs no more than one.
 */
export function hpa({ concurrency, utilization, max }: Terms): Rules {
  const target = concurrency * utilization;
  const stabilized = new SlidingMax(DOWN_STABILIZATION_MS);
  let seconds = 0;
  let sum = 0;
  return {
    drains: false,
    next({ now, requests, replicas }) {
      sum += requests?.mean ?? 0;
      if (++seconds % SYNC_SECONDS > 0) return replicas;
      const load = sum / SYNC_SECONDS;
      sum = 0;
      const isTolerated = Math.abs(load / (target * replicas) - 1) <= TOLERANCE;
      const proposed = isTolerated ? replicas : Math.ceil(load / target);
      const most = Math.max(replicas + UP_PODS, replicas * UP_RATE);
      return Math.min(stabilized.add(proposed, now), most, max);
    },
  };
}
