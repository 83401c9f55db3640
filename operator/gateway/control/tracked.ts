import type { InstanceEntry } from '../shared/messages.ts';
import type { CompiledPod } from './compile.ts';
import type { RouteTable } from './routeTable.ts';

/**
 * One instance, and whether the data threads have it: they do while it has started, is ready, is not drained and has the CPU
 * that it requests.
 */
export class Tracked {
  pod: CompiledPod;
  readonly slot: number;
  readonly seenAt: number;
  /** It ran before this process watched it, so its start cannot be timed. */
  found: boolean;
  /** Ends its probes. It is set while it starts and, with a readiness probe, as long as it runs. */
  probing: AbortController | undefined;
  readonly #table: RouteTable;
  #entry: InstanceEntry | undefined;
  #drained = false;
  #held = false;
  #reduced = false;
  #listed = false;
  /** Version of the table from which on the data threads do not have it. */
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

  /** It is being scaled in and gets no new request. */
  get drained(): boolean {
    return this.#drained;
  }

  /** It has started. @param entry how it is reached. */
  start(entry: InstanceEntry): void {
    this.#entry = entry;
    this.#publish();
  }

  /** It is unreachable, restarts or terminates. */
  setAside(): void {
    this.probing?.abort();
    this.probing = undefined;
    this.#entry = undefined;
    this.#held = false;
    this.#publish();
  }

  /** It has started and fails its readiness probe: it gets no new request. */
  setHeld(held: boolean): void {
    this.#held = held;
    this.#publish();
  }

  /** Its CPU request is lowered: it gets no new request until that is restored. */
  setReduced(reduced: boolean): void {
    if (reduced === this.#reduced) return;
    this.#reduced = reduced;
    this.#publish();
  }

  setDrained(drained: boolean): void {
    if (drained === this.#drained) return;
    this.#drained = drained;
    this.#publish();
  }

  /** @param applied version of the table that every data thread uses. */
  isGone(applied: number): boolean {
    return !this.#listed && applied >= this.#goneIn;
  }

  #publish(): void {
    const entry = this.#drained || this.#held || this.#reduced ? undefined : this.#entry;
    if (!entry && !this.#listed) return;
    this.#listed = entry !== undefined;
    if (!entry) this.#goneIn = this.#table.nextVersion;
    this.#table.setInstance(this.slot, entry);
  }
}
