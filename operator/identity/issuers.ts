import { type Clock, sleep, systemClock } from '../kube/clock.ts';
import type { Logger } from '../telemetry/log.ts';
import type { IssuerEntry } from './issuer.ts';
import type { IssuerSource, Published } from './issuerSource.ts';

/** Keys are published well before they are used, and stay for longer than what they have signed. */
const REFRESH_MS = 300_000;
const RETRY_MS = 5000;
/** A token with an unknown key, which anyone can make up, has its issuer asked no more often. */
const ASK_MS = 10_000;

export interface IssuersOptions {
  sources: readonly IssuerSource[];
  log: Logger;
  signal: AbortSignal;
  /** Takes all issuers whenever one has changed. */
  publish: (issuers: readonly IssuerEntry[]) => void;
  clock?: Clock;
}

interface Issuer {
  readonly source: IssuerSource;
  published: Published | undefined;
  /** When it was last asked. */
  askedAt: number;
  /** Ends the wait until it is asked again. */
  again: AbortController;
  /** While it is being asked. */
  asking: Promise<void> | undefined;
  failing: boolean;
}

/**
 * The issuers of identity tokens with their keys, which are fetched from the moment on that they are needed.
 * An issuer that cannot be reached keeps those that it had.
 */
export class Issuers {
  /** Failed attempts by issuer, for the metrics. */
  readonly failures = new Map<string, number>();
  readonly #options: IssuersOptions;
  readonly #clock: Clock;
  readonly #issuers: readonly Issuer[];
  #first: Promise<void> | undefined;

  constructor(options: IssuersOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#issuers = options.sources.map((source) => ({
      source,
      published: undefined,
      askedAt: Number.NEGATIVE_INFINITY,
      again: new AbortController(),
      asking: undefined,
      failing: false,
    }));
  }

  /** Resolves when each issuer has been asked once, whatever came of it, or when no keys are needed yet. */
  get asked(): Promise<void> {
    return this.#first ?? Promise.resolve();
  }

  /** How many keys each issuer has, for the metrics. */
  get keys(): ReadonlyMap<string, number> {
    const needed = this.#first ? this.#issuers : [];
    return new Map(needed.map((issuer) => [nameOf(issuer), issuer.published?.keys.length ?? 0]));
  }

  /** From now on keys are needed. */
  need(): void {
    if (this.#first) return;
    const first = this.#issuers.map((issuer) => this.#ask(issuer).then(() => void this.#keepAsking(issuer)));
    this.#first = Promise.all(first).then(() => {});
    this.#publish();
  }

  /**
   * A token names a key of this issuer that it is not known to have: it is asked again, unless that has just been done.
   * Resolves when its answer has been published, at once where none is awaited.
   */
  unknownKey(name: string): Promise<void> {
    const issuer = this.#find(name);
    if (!issuer) return Promise.resolve();
    if (!issuer.asking && this.#clock.now() - issuer.askedAt >= ASK_MS) {
      void this.#ask(issuer);
      issuer.again.abort();
    }
    return issuer.asking ?? Promise.resolve();
  }

  /** Whether the last attempt to fetch the keys of this issuer has failed. */
  isFailing(name: string): boolean {
    return this.#find(name)?.failing ?? false;
  }

  #find(name: string): Issuer | undefined {
    return this.#issuers.find(({ source, published }) => (source.issuer ?? published?.issuer) === name);
  }

  async #keepAsking(issuer: Issuer): Promise<void> {
    const { signal } = this.#options;
    while (!signal.aborted) {
      issuer.again = new AbortController();
      const ms = issuer.failing ? RETRY_MS : REFRESH_MS;
      // Pods that started together do not ask together.
      const spread = ms * (0.9 + 0.2 * Math.random());
      await sleep(spread, AbortSignal.any([signal, issuer.again.signal]), this.#clock);
      if (!signal.aborted) await (issuer.again.signal.aborted ? issuer.asking : this.#ask(issuer));
    }
  }

  #ask(issuer: Issuer): Promise<void> {
    issuer.asking = this.#fetch(issuer).finally(() => {
      issuer.asking = undefined;
    });
    return issuer.asking;
  }

  async #fetch(issuer: Issuer): Promise<void> {
    issuer.askedAt = this.#clock.now();
    const { log } = this.#options;
    try {
      const published = await issuer.source.fetch();
      if (issuer.failing) log.info({ issuer: nameOf(issuer) }, 'the keys of an issuer were fetched again');
      issuer.failing = false;
      if (JSON.stringify(published) === JSON.stringify(issuer.published)) return;
      issuer.published = published;
      this.#publish();
    } catch (err) {
      const name = nameOf(issuer);
      this.failures.set(name, (this.failures.get(name) ?? 0) + 1);
      if (issuer.failing) return;
      log.warn({ issuer: name, err }, 'the keys of an issuer cannot be fetched');
      issuer.failing = true;
      // What waits for its first keys waits no longer.
      if (!issuer.published) this.#publish();
    }
  }

  #publish(): void {
    this.#options.publish(
      this.#issuers.map(({ source, published, failing }) => ({
        issuer: source.issuer ?? published?.issuer,
        isCluster: source.issuer === undefined,
        audiences: source.audiences,
        keys: published?.keys,
        pending: !published && !failing,
      })),
    );
  }
}

function nameOf({ source, published }: Issuer): string {
  return source.issuer ?? published?.issuer ?? 'cluster';
}
