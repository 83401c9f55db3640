import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer, Visitor } from './http.ts';

export interface Outcome {
  sent: number;
  /** What went wrong, one line for each request that did not end with 200. */
  failures: string[];
  /** How often each body came. */
  bodies: Map<string, number>;
  /** Milliseconds of each request that ended with 200. */
  latencies: number[];
}

/** Sends requests at a constant rate, whether or not earlier ones are answered, until `stop` aborts. */
export async function constantLoad(
  visitor: Visitor,
  url: string,
  perSecond: number,
  stop: AbortSignal,
): Promise<Outcome> {
  const outcome = nothingSent();
  const running = new Set<Promise<void>>();
  const start = performance.now();
  while (!stop.aborted) {
    const due = Math.floor(((performance.now() - start) / 1000) * perSecond);
    while (outcome.sent < due) {
      outcome.sent++;
      const one: Promise<void> = visitor
        .ask(url)
        .then(
          (answer) => record(outcome, answer),
          (error) => void outcome.failures.push(String(error)),
        )
        .finally(() => running.delete(one));
      running.add(one);
    }
    await sleep(1000 / perSecond);
  }
  await Promise.all(running);
  return outcome;
}

/** Sends requests from so many clients, each its next one after the answer to the last, until `stop` aborts. */
export async function clientLoad(
  visitor: Visitor,
  url: string,
  clients: number,
  stop: AbortSignal,
): Promise<Outcome> {
  const outcome = nothingSent();
  const client = async (): Promise<void> => {
    while (!stop.aborted) {
      outcome.sent++;
      await visitor.ask(url).then(
        (answer) => record(outcome, answer),
        (error) => void outcome.failures.push(String(error)),
      );
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return outcome;
}

function nothingSent(): Outcome {
  return { sent: 0, failures: [], bodies: new Map(), latencies: [] };
}

function record(outcome: Outcome, { status, body, ms }: Answer): void {
  if (status !== 200) {
    outcome.failures.push(`${status}: ${body}`);
    return;
  }
  outcome.latencies.push(ms);
  const key = body.trim();
  outcome.bodies.set(key, (outcome.bodies.get(key) ?? 0) + 1);
}

/** The value below which the share `p` of the samples lies. */
export function percentile(samples: readonly number[], p: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(p * sorted.length) - 1)] ?? Number.NaN;
}
