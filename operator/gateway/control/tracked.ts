import type { InstanceEntry } from '../shared/messages.ts';
import type { CompiledPod } from './compile.ts';
import type { RouteTable } from './routeTable.ts';

/** One instance, and whether the data threads have it. They do while it has started and nothing speaks against it. */
export class Tracked {
  pod: CompiledPod;
  readonly slot: number;
  readonly seenAt: number;
  /** It ran before this process looked, so its start cannot be timed. */
  found: boolean;
  probing: AbortController | undefined;
  readonly #table: RouteTable;
  #entry: InstanceEntry | undefined;
  #drained = false;
  #listed = false;
  /** Version of the table in which the data threads do not have it. */
  #goneIn = 0;

  constructor(table: RouteTable, pod: CompiledPod, slot: number, seenAt: number, found: boolean) {
    this.#table = table;
    this.pod = pod;
    this.slot = slot;
    this.seenAt = seenAt;
    this.found = found;
  }

  get ready(): boolean {
    return this.#entry !== undefined;
  }

  /** It is to go, and gets no new request. */
  get drained(): boolean {
    return this.#drained;
  }

  /** It has started, and is reached so. */
  start(entry: InstanceEntry): void {
    this.#entry = entry;
    this.#tell();
  }

  /** It does not answer any more, restarts or leaves. */
  setAside(): void {
    this.probing?.abort();
    this.probing = undefined;
    this.#entry = undefined;
    this.#tell();
  }

  setDrained(drained: boolean): void {
    if (drained === this.#drained) return;
    this.#drained = drained;
    this.#tell();
  }

  /** @param applied version of the table that every data thread uses. */
  isGone(applied: number): boolean {
    return !this.#listed && applied >= this.#goneIn;
  }

  #tell(): void {
    const entry = this.#drained ? undefined : this.#entry;
    if (!entry && !this.#listed) return;
    this.#listed = entry !== undefined;
    if (!entry) this.#goneIn = this.#table.nextVersion;
    this.#table.setInstance(this.slot, entry);
  }
}
