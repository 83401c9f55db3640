import { setTimeout as sleep } from 'node:timers/promises';
import type { Container } from '../apis/serving/container/types.ts';
import { type ReadinessCheck, readinessCheck, startCheck } from './attempt.ts';
import type { AttemptLimit } from './attemptLimit.ts';
import { attemptPasses, type ProbeOptions, untilStarted } from './probe.ts';

/** What is known of an instance's readiness. */
export interface Readiness {
  ready: boolean;
  /** Results in a row that speak against `ready`. */
  contrary: number;
  /** When its first attempt began, until it has been ready for the first time. Milliseconds. */
  startingSince: number | undefined;
}

/** One attempt of a readiness probe. Times in milliseconds. */
export interface AttemptResult {
  passed: boolean;
  begunAt: number;
  endedAt: number;
}

/** The first attempts follow each other at least so far apart. */
const LEAST_PAUSE_MS = 10;
/** While an instance starts, the next attempt comes after this part of the time so far: its start takes no longer by more. */
const PAUSE_PART = 0.1;

/** An instance that has not been probed: it is not ready. @param now in milliseconds. */
export function unprobed(now: number): Readiness {
  return { ready: false, contrary: 0, startingSince: now };
}

/**
 * What is known after one more attempt, and when the next one is due, on the clock of the result (Kubernetes, Probe:
 * periodSeconds, successThreshold, failureThreshold). Until an instance is ready for the first time, attempts follow each
 * other faster, as the kubelet's do, because requests may wait for it.
 * @param random at least 0 and less than 1: where in its period the instance is probed from then on.
 */
export function afterAttempt(
  before: Readiness,
  { passed, begunAt, endedAt }: AttemptResult,
  check: ReadinessCheck,
  random: number,
): { readiness: Readiness; nextAt: number } {
  const { periodMs } = check;
  const readiness = counted(before, passed, check);
  const { startingSince } = readiness;
  if (startingSince !== undefined) {
    const pause = Math.max(LEAST_PAUSE_MS, PAUSE_PART * (endedAt - startingSince));
    return { readiness, nextAt: endedAt + Math.min(periodMs, pause) };
  }
  if (before.startingSince !== undefined) return { readiness, nextAt: endedAt + random * periodMs };
  return { readiness, nextAt: Math.max(endedAt, begunAt + periodMs) };
}

function counted(before: Readiness, passed: boolean, check: ReadinessCheck): Readiness {
  if (passed === before.ready) return { ...before, contrary: 0 };
  const contrary = before.contrary + 1;
  const threshold = before.ready ? check.failureThreshold : check.successThreshold;
  if (contrary < threshold) return { ...before, contrary };
  return { ready: passed, contrary: 0, startingSince: undefined };
}

export interface FollowOptions {
  signal: AbortSignal;
  limit: AttemptLimit;
  /** Called with each change; an instance is not ready at first. */
  onChange: (ready: boolean) => void;
  /** @returns at least 0 and less than 1, as Math.random does. */
  random?: () => number;
}

/**
 * Probes the readiness of an instance that has started until `signal` aborts. Never rejects, unless `onChange` throws.
 * @param host the instance's own address.
 */
export async function followReadiness(
  host: string,
  check: ReadinessCheck,
  { signal, limit, onChange, random = Math.random }: FollowOptions,
): Promise<void> {
  if (!(await slept(check.delayMs, signal))) return;
  let readiness = unprobed(performance.now());
  for (;;) {
    const result = await limit.run(async (): Promise<AttemptResult> => {
      const begunAt = performance.now();
      const passed = !signal.aborted && (await attemptPasses(host, check.attempt, signal));
      return { passed, begunAt, endedAt: performance.now() };
    });
    if (signal.aborted) return;
    const next = afterAttempt(readiness, result, check, random());
    const changed = next.readiness.ready !== readiness.ready;
    readiness = next.readiness;
    if (changed) onChange(readiness.ready);
    if (!(await slept(next.nextAt - performance.now(), signal))) return;
  }
}

/**
 * Waits until an instance has started and, where its containers ask for it, is ready.
 * @param host the instance's own address; see {@link untilStarted}.
 * @returns false when the limit passed or the signal came first; it never rejects.
 */
export async function untilReady(
  host: string,
  containers: readonly Container[],
  { limitMs, signal, limit }: ProbeOptions & Pick<FollowOptions, 'limit'>,
): Promise<boolean> {
  const begun = performance.now();
  if (!(await untilStarted(host, startCheck(containers), { limitMs, signal }))) return false;
  const check = readinessCheck(containers);
  if (!check) return true;
  const left = Math.max(0, Math.ceil(limitMs - (performance.now() - begun)));
  const found = new AbortController();
  await followReadiness(host, check, {
    signal: AbortSignal.any([signal, found.signal, AbortSignal.timeout(left)]),
    limit,
    onChange: () => found.abort(),
  });
  return found.signal.aborted;
}

/** @returns false once the signal has aborted. */
async function slept(ms: number, signal: AbortSignal): Promise<boolean> {
  if (ms > 0) await sleep(ms, undefined, { signal, ref: false }).catch(() => {});
  return !signal.aborted;
}
