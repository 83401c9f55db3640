import type { Secret } from '../../kube/core.ts';
import { deepEqual } from '../../kube/json.ts';
import type { Logger } from '../../telemetry/log.ts';
import type { CertificateEntry } from '../shared/messages.ts';
import { CertificateError, type CompiledCertificate, compileCertificate, shareNames } from './certificate.ts';

export interface CertificatesOptions {
  /** `namespace/name` of the Secrets that the configuration names. */
  expected: readonly string[];
  log: Logger;
  /** In ms since 1970. */
  now: () => number;
  /** Gives the data threads what they serve of a Secret. */
  publish: (secret: string, entry: CertificateEntry | undefined) => void;
}

/** The certificates that all data threads serve, from Secrets, and what is wrong with these. */
export class Certificates {
  readonly #options: CertificatesOptions;
  readonly #present = new Set<string>();
  readonly #compiled = new Map<string, CompiledCertificate>();
  /** Why the present contents of a Secret are not served. */
  readonly #invalid = new Map<string, string>();
  readonly #published = new Map<string, CertificateEntry>();
  #faults = new Map<string, string>();
  #refreshAt = Number.POSITIVE_INFINITY;
  #scheduled = false;

  constructor(options: CertificatesOptions) {
    this.#options = options;
  }

  /** What is wrong, one sentence for each Secret. */
  get faults(): ReadonlyMap<string, string> {
    return this.#faults;
  }

  /** When the certificate of each Secret expires, in ms since 1970. */
  get expiries(): ReadonlyMap<string, number> {
    return new Map([...this.#compiled].map(([secret, { expiresAt }]) => [secret, expiresAt]));
  }

  /**
   * A Secret has changed, or is gone. What it held before is served on while its contents are invalid. Changes of one turn
   * of the event loop take effect together.
   */
  set(key: string, secret: Secret | undefined): void {
    this.#invalid.delete(key);
    if (secret) {
      this.#present.add(key);
      this.#compile(key, secret);
    } else {
      this.#present.delete(key);
      this.#compiled.delete(key);
    }
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => this.refresh());
  }

  /** Called often: an expired certificate gives way to another one. */
  tick(): void {
    if (this.#options.now() >= this.#refreshAt) this.refresh();
  }

  /** Publishes what has changed, and logs what is newly wrong. */
  refresh(): void {
    this.#scheduled = false;
    const now = this.#options.now();
    const shares = shareNames(this.#compiled, now);
    const faults = new Map<string, string>();
    for (const key of this.#options.expected) if (!this.#present.has(key)) faults.set(key, 'does not exist');
    this.#refreshAt = Number.POSITIVE_INFINITY;
    for (const [key, { names, lost }] of shares) {
      const { certificate, key: privateKey, expiresAt } = this.#compiled.get(key) as CompiledCertificate;
      this.#publish(key, names.length > 0 ? { certificate, key: privateKey, names } : undefined);
      if (expiresAt > now) this.#refreshAt = Math.min(this.#refreshAt, expiresAt);
      const fault = this.#invalidity(key) ?? expiry(expiresAt, now) ?? loss(lost);
      if (fault) faults.set(key, fault);
    }
    for (const key of this.#invalid.keys())
      if (!shares.has(key)) faults.set(key, this.#invalid.get(key) as string);
    for (const key of this.#published.keys()) if (!shares.has(key)) this.#publish(key, undefined);
    this.#report(faults);
  }

  #compile(key: string, secret: Secret): void {
    try {
      this.#compiled.set(key, compileCertificate(secret));
    } catch (error) {
      if (!(error instanceof CertificateError)) throw error;
      this.#invalid.set(key, error.message);
    }
  }

  /** Of a Secret whose earlier contents are served. */
  #invalidity(key: string): string | undefined {
    const invalid = this.#invalid.get(key);
    return invalid && `${invalid}; what it held before is still served`;
  }

  #publish(key: string, entry: CertificateEntry | undefined): void {
    if (deepEqual(this.#published.get(key), entry)) return;
    if (entry) this.#published.set(key, entry);
    else this.#published.delete(key);
    this.#options.publish(key, entry);
  }

  #report(faults: Map<string, string>): void {
    const { log } = this.#options;
    for (const [secret, fault] of faults) {
      if (this.#faults.get(secret) !== fault) log.warn({ secret }, `Secret ${secret}: ${fault}`);
    }
    for (const secret of this.#faults.keys()) {
      if (!faults.has(secret)) log.info({ secret }, `Secret ${secret}: nothing is wrong any more`);
    }
    this.#faults = faults;
  }
}

function expiry(expiresAt: number, now: number): string | undefined {
  return expiresAt > now ? undefined : `its certificate expired at ${new Date(expiresAt).toISOString()}`;
}

function loss(lost: ReadonlyMap<string, string>): string | undefined {
  const [first] = lost;
  if (!first) return undefined;
  const more = lost.size > 1 ? ` and ${lost.size - 1} more` : '';
  return `the host ${first[0]}${more} is served with the certificate of another Secret, ${first[1]}`;
}
