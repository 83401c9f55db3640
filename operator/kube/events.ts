import { createHash } from 'node:crypto';
import type { Logger } from '../telemetry/log.ts';
import { kubeEvents } from '../telemetry/metrics.ts';
import type { KubeClient } from './client.ts';
import { type Clock, sleep, systemClock } from './clock.ts';
import { EVENTS, type KubeEvent } from './core.ts';
import { isKubeError } from './errors.ts';
import { timestamp } from './time.ts';
import type { KubeObject } from './types.ts';

export interface PlannedEvent {
  type: 'Normal' | 'Warning';
  /** CamelCase, for machines. */
  reason: string;
  /** A sentence for people, past tense, naming the object. */
  message: string;
}

export interface EventRecorderOptions {
  client: Pick<KubeClient, 'create' | 'get' | 'mergePatch'>;
  /** Who reports it. */
  component: string;
  log: Logger;
  clock?: Clock;
  /** The wall clock, milliseconds since 1970. */
  today?: () => number;
}

/** An object may have so many events at once, and then one in each refill time; the rest is dropped. */
const BURST = 25;
const REFILL_MS = 300_000;
/** Objects whose budget is remembered; the one that was quiet longest goes first. */
const MAX_BUDGETS = 4_096;
const MAX_PENDING = 1_000;
const MESSAGE_BYTES = 1_024;
/** How long the end of a process waits for its events, in ms: another process has taken over by then. */
const FLUSH_MS = 2_000;

interface Budget {
  tokens: number;
  at: number;
}

/**
 * Kubernetes Events about objects. The same event about the same object is one Event with a count, also across
 * restarts; an object with many events is rate-limited. Recording never waits and never fails: events are best effort.
 */
export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #clock: Clock;
  readonly #budgets = new Map<string, Budget>();
  #pending = 0;
  #tail: Promise<void> = Promise.resolve();

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  event(subject: KubeObject, event: PlannedEvent): void {
    if (this.#pending >= MAX_PENDING || !this.#spend(subject)) {
      kubeEvents.inc({ result: 'limited' });
      return;
    }
    const object = this.#build(subject, event);
    this.#pending++;
    this.#tail = this.#tail.then(() => this.#write(object));
  }

  /** Resolves when everything recorded so far is written or given up, after two seconds at the latest. */
  async flush(): Promise<void> {
    const done = new AbortController();
    void this.#tail.then(() => done.abort());
    await sleep(FLUSH_MS, done.signal, this.#clock);
  }

  #spend({ metadata, kind }: KubeObject): boolean {
    const key = metadata.uid ?? `${kind}/${metadata.namespace}/${metadata.name}`;
    const now = this.#clock.now();
    const old = this.#budgets.get(key) ?? { tokens: BURST, at: now };
    const tokens = Math.min(BURST, old.tokens + (now - old.at) / REFILL_MS);
    const enough = tokens >= 1;
    this.#budgets.delete(key);
    this.#budgets.set(key, { tokens: enough ? tokens - 1 : tokens, at: now });
    const [quietest] = this.#budgets.keys();
    if (this.#budgets.size > MAX_BUDGETS && quietest !== undefined) this.#budgets.delete(quietest);
    return enough;
  }

  #build(subject: KubeObject, { type, reason, message }: PlannedEvent): KubeEvent {
    const { component, today = Date.now } = this.#options;
    const { namespace, name, uid, resourceVersion } = subject.metadata;
    const { apiVersion, kind } = subject;
    const now = timestamp(today());
    // The name says what it is about, so that the same event finds itself again.
    const identity = createHash('sha256').update(
      JSON.stringify([uid, kind, name, component, type, reason, message]),
    );
    return {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: {
        namespace: namespace ?? 'default',
        name: `${name.slice(0, 230)}.${identity.digest('hex').slice(0, 16)}`,
      },
      involvedObject: { apiVersion, kind, namespace, name, uid, resourceVersion },
      type,
      reason,
      message: cut(message, MESSAGE_BYTES),
      source: { component },
      reportingComponent: component,
      reportingInstance: '',
      count: 1,
      firstTimestamp: now,
      lastTimestamp: now,
    };
  }

  async #write(event: KubeEvent): Promise<void> {
    try {
      kubeEvents.inc({ result: await this.#createOrCount(event) });
    } catch (err) {
      kubeEvents.inc({ result: 'failed' });
      this.#options.log.debug({ err, reason: event.reason }, 'an event could not be written');
    } finally {
      this.#pending--;
    }
  }

  async #createOrCount(event: KubeEvent): Promise<'created' | 'counted'> {
    const { client } = this.#options;
    try {
      await client.create(EVENTS, event);
      return 'created';
    } catch (error) {
      if (!isKubeError(error, 'KUBE_ALREADY_EXISTS')) throw error;
    }
    const known = await client.get(EVENTS, event.metadata);
    const count = (known?.count ?? 1) + 1;
    await client.mergePatch(EVENTS, event.metadata, { count, lastTimestamp: event.lastTimestamp });
    return 'counted';
  }
}

/** The beginning of `text` that fits into so many bytes, never half a character. */
function cut(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text;
  const trimmed = Buffer.from(text)
    .subarray(0, bytes - 3)
    .toString('utf8');
  return `${trimmed.replace(/\uFFFD+$/, '')}...`;
}
