import type { IssuerEntry } from '../../identity/issuer.ts';
import { MAX_REVISIONS, UNLIMITED } from '../shared/limits.ts';
import type {
  CertificateEntry,
  HostEntry,
  InstanceEntry,
  Placement,
  RevisionEntry,
  TableUpdate,
} from '../shared/messages.ts';
import { instanceCookie, revisionToken } from './affinity.ts';
import type { CompiledRevision, CompiledRoute } from './compile.ts';
import { IndexAllocator } from './indexAllocator.ts';
import { removedFirst, sameEntry, sameRoute } from './tableEntries.ts';

interface KnownRevision {
  compiled: CompiledRevision;
  queueLimitMs: number;
}

/**
 * What all data threads serve, and what has changed since the last update to them. A revision has an entry while a route
 * or an instance needs it, so old revisions cost nothing.
 */
export class RouteTable {
  readonly ids: IndexAllocator;
  readonly #routes = new Map<string, CompiledRoute>();
  /** Routes that claim a host, oldest first. */
  readonly #claims = new Map<string, string[]>();
  readonly #revisions = new Map<string, KnownRevision>();
  /** How many routes' targets and instances name a revision. */
  readonly #uses = new Map<string, number>();
  /** How many routes declare a revision stopped. */
  readonly #stops = new Map<string, number>();
  readonly #entries = new Map<string, RevisionEntry>();
  readonly #instances = new Map<number, InstanceEntry>();
  readonly #certificates = new Map<string, CertificateEntry>();
  readonly #changedHosts = new Set<string>();
  readonly #changedRevisions = new Set<string>();
  readonly #changedInstances = new Set<number>();
  readonly #changedCertificates = new Set<string>();
  /** Revisions that are needed and have no row. */
  readonly #unserved = new Set<string>();
  readonly #changed: () => void;
  readonly #full: (revision: string) => void;
  #affinityKey: Uint8Array | undefined;
  #gateways: readonly string[] = [];
  #issuers: readonly IssuerEntry[] = [];
  /** What changed besides entries. */
  #others: Pick<TableUpdate, 'gateways' | 'issuers' | 'fence'> = {};
  /** Where the requests of a revision go; of each one to its instances while this is the only gateway. */
  placementOf: (revision: string, limit: number) => Placement = () => 'instances';
  #version = 0;

  /**
   * @param changed called for every change; the caller takes the update later.
   * @param full called once for each revision without a free row: its requests get 503 until there is one.
   */
  constructor(
    changed: () => void = () => {},
    full: (revision: string) => void = () => {},
    max = MAX_REVISIONS,
  ) {
    this.#changed = changed;
    this.#full = full;
    this.ids = new IndexAllocator(max);
  }

  /** How many revisions are needed and have no row. */
  get unserved(): number {
    return this.#unserved.size;
  }

  /** Gives freed rows to revisions without one. */
  retryUnserved(): void {
    for (const revision of [...this.#unserved]) this.#refresh(revision);
  }

  get entries(): ReadonlyMap<string, RevisionEntry> {
    return this.#entries;
  }

  /** The revisions that have an entry, with the limits of their instances: an entry has none while it is forwarded. */
  *limits(): Iterable<{ key: string; limit: number }> {
    for (const key of this.#entries.keys()) {
      const known = this.#revisions.get(key);
      if (known) yield { key, limit: known.compiled.limit };
    }
  }

  setRoute(key: string, route: CompiledRoute | undefined): void {
    const before = this.#routes.get(key);
    if (before && route && sameRoute(before, route)) return;
    if (route) this.#routes.set(key, route);
    else this.#routes.delete(key);
    for (const host of before?.hosts.keys() ?? []) this.#unclaim(host, key);
    for (const host of route?.hosts.keys() ?? []) this.#claim(host, key);
    // The new uses first, so that a revision in both does not lose its entry in between.
    for (const revision of revisionsOf(route)) this.use(revision, 1);
    for (const revision of revisionsOf(before)) this.use(revision, -1);
    for (const revision of route?.stopped ?? []) this.#stop(revision, 1);
    for (const revision of before?.stopped ?? []) this.#stop(revision, -1);
    this.#changed();
  }

  setRevision(key: string, compiled: CompiledRevision | undefined, queueLimitMs: number): void {
    if (compiled) this.#revisions.set(key, { compiled, queueLimitMs });
    else this.#revisions.delete(key);
    this.#refresh(key);
  }

  /** Sets the key of the affinity cookies. Without one there is no session affinity; cookies of an earlier one bind nobody. */
  setAffinityKey(key: Uint8Array): void {
    this.#affinityKey = key;
    for (const [revision, { compiled }] of this.#revisions) if (compiled.affinity) this.#refresh(revision);
  }

  /** The answers of {@link placementOf} may have changed. */
  placementsChanged(): void {
    for (const revision of [...this.#entries.keys()]) this.#refresh(revision);
  }

  /** Sets the addresses from which forwarded requests may come. */
  setGateways(addresses: readonly string[]): void {
    if (addresses.join() === this.#gateways.join()) return;
    this.#gateways = addresses;
    this.#others.gateways = addresses;
    this.#changed();
  }

  /** Sets whose identity tokens count. */
  setIssuers(issuers: readonly IssuerEntry[]): void {
    this.#issuers = issuers;
    this.#others.issuers = issuers;
    this.#changed();
  }

  /** With the next update, after all its changes, requests in instances of revisions with a limit are aborted. */
  fence(): void {
    this.#others.fence = true;
    this.#changed();
  }

  /** Records that an instance needs the revision (`1`) or no longer does (`-1`). */
  use(revision: string, delta: 1 | -1): void {
    count(this.#uses, revision, delta);
    this.#refresh(revision);
  }

  setInstance(slot: number, entry: InstanceEntry | undefined): void {
    if (entry) this.#instances.set(slot, entry);
    else if (!this.#instances.delete(slot)) return;
    this.#changedInstances.add(slot);
    this.#changed();
  }

  setCertificate(secret: string, entry: CertificateEntry | undefined): void {
    if (entry) this.#certificates.set(secret, entry);
    else if (!this.#certificates.delete(secret)) return;
    this.#changedCertificates.add(secret);
    this.#changed();
  }

  /** What changed since the last call; undefined when nothing did. */
  take(): TableUpdate | undefined {
    if (!this.#hasChanged) return undefined;
    const update: TableUpdate = {
      kind: 'update',
      version: ++this.#version,
      hosts: [...this.#changedHosts].map((host) => [host, this.#entry(host)]),
      revisions: [...this.#changedRevisions].map((key) => [key, this.#entries.get(key)]),
      instances: removedFirst([...this.#changedInstances].map((slot) => [slot, this.#instance(slot)])),
      certificates: [...this.#changedCertificates].map((secret) => [secret, this.#certificates.get(secret)]),
      ...this.#others,
    };
    this.#others = {};
    this.#changedHosts.clear();
    this.#changedRevisions.clear();
    this.#changedInstances.clear();
    this.#changedCertificates.clear();
    return update;
  }

  /** The whole table, for a thread that starts. */
  snapshot(): TableUpdate {
    return {
      kind: 'update',
      version: this.#version,
      hosts: [...this.#claims.keys()].map((host) => [host, this.#entry(host)]),
      revisions: [...this.#entries],
      instances: [...this.#instances.keys()].map((slot) => [slot, this.#instance(slot)]),
      certificates: [...this.#certificates],
      ...(this.#gateways.length > 0 ? { gateways: this.#gateways } : {}),
      ...(this.#issuers.length > 0 ? { issuers: this.#issuers } : {}),
    };
  }

  /** The version of the next update, in which what is removed now is gone. */
  get nextVersion(): number {
    return this.#version + 1;
  }

  /** The version in which all that has changed so far is contained. */
  get pendingVersion(): number {
    return this.#hasChanged ? this.nextVersion : this.#version;
  }

  get #hasChanged(): boolean {
    const size = this.#changedHosts.size + this.#changedRevisions.size + this.#changedInstances.size;
    return size + this.#changedCertificates.size + Object.keys(this.#others).length > 0;
  }

  #instance(slot: number): InstanceEntry | undefined {
    const entry = this.#instances.get(slot);
    if (!entry) return undefined;
    const revision = this.#entries.get(entry.revision);
    if (revision && revision.placement !== (entry.isGateway ? 'gateway' : undefined)) return undefined;
    const key = this.#affinityKey;
    const affinity = entry.isGateway ? undefined : revision?.affinity;
    if (!key || !affinity) return entry;
    return { ...entry, cookie: instanceCookie(key, affinity, entry.pod) };
  }

  #affinityOf(revision: string, { affinity, uid }: CompiledRevision): string | undefined {
    return affinity && this.#affinityKey ? revisionToken(this.#affinityKey, revision, uid) : undefined;
  }

  #entry(host: string): HostEntry | undefined {
    const owner = this.#routes.get(this.#claims.get(host)?.[0] ?? '');
    const targets = owner?.hosts.get(host);
    if (!owner || !targets) return undefined;
    const { internalOnly, invokers } = owner;
    return { targets, internalOnly, ...(invokers && { invokers }) };
  }

  #claim(host: string, key: string): void {
    const claims = this.#claims.get(host) ?? [];
    claims.push(key);
    const age = (route: string): string => `${this.#routes.get(route)?.createdAt} ${route}`;
    claims.sort((a, b) => (age(a) < age(b) ? -1 : 1));
    this.#claims.set(host, claims);
    this.#changedHosts.add(host);
  }

  #unclaim(host: string, key: string): void {
    const left = (this.#claims.get(host) ?? []).filter((claim) => claim !== key);
    if (left.length > 0) this.#claims.set(host, left);
    else this.#claims.delete(host);
    this.#changedHosts.add(host);
  }

  #stop(revision: string, delta: 1 | -1): void {
    count(this.#stops, revision, delta);
    this.#refresh(revision);
  }

  #refresh(key: string): void {
    const known = this.#revisions.get(key);
    const present = this.#entries.get(key);
    if (!known || !this.#uses.has(key)) {
      this.#unserved.delete(key);
      if (!present) return;
      this.#entries.delete(key);
      this.ids.retire(present.index, this.nextVersion);
    } else {
      const { timeoutMs, protocol, failing } = known.compiled;
      const { queueLimitMs } = known;
      const index = present?.index ?? this.ids.take();
      if (index === undefined) {
        if (!this.#unserved.has(key)) this.#full(key);
        this.#unserved.add(key);
        return;
      }
      this.#unserved.delete(key);
      const stopped = this.#stops.has(key);
      const affinity = this.#affinityOf(key, known.compiled);
      const placement = this.placementOf(key, known.compiled.limit);
      // The gateway that owns the revision takes any number, and limits them.
      const limit = placement === 'gateway' ? UNLIMITED : known.compiled.limit;
      const common = { key, index, limit, timeoutMs, protocol, queueLimitMs, stopped, failing, affinity };
      const entry: RevisionEntry = placement === 'instances' ? common : { ...common, placement };
      if (present && sameEntry(present, entry)) return;
      this.#entries.set(key, entry);
      if (present?.affinity !== affinity || present?.placement !== entry.placement)
        this.#instancesChanged(key);
    }
    this.#changedRevisions.add(key);
    this.#changed();
  }

  #instancesChanged(revision: string): void {
    for (const [slot, entry] of this.#instances) {
      if (entry.revision === revision) this.#changedInstances.add(slot);
    }
  }
}

function count(counts: Map<string, number>, key: string, delta: 1 | -1): void {
  const next = (counts.get(key) ?? 0) + delta;
  if (next > 0) counts.set(key, next);
  else counts.delete(key);
}

function* revisionsOf(route: CompiledRoute | undefined): Iterable<string> {
  for (const targets of route?.hosts.values() ?? []) for (const { revision } of targets) yield revision;
}
