import { AttemptLimit } from '../../probe/attemptLimit.ts';
import { untilStarted } from '../../probe/probe.ts';
import { followReadiness } from '../../probe/readiness.ts';
import type { Logger } from '../../telemetry/log.ts';
import type { CompiledRevision } from './compile.ts';
import type { Tracked } from './tracked.ts';

export interface InstanceProbesOptions {
  /** How long an instance may take to start. */
  startLimitMs: number;
  log: Logger;
  probe?: typeof untilStarted;
  follow?: typeof followReadiness;
}

/**
 * Probes instances: until they have started, and their readiness as long as they run (Cloud Run, Configure container
 * health checks). The readiness probes share one limit; those of a start have none, because requests wait for it.
 */
export class InstanceProbes {
  readonly #options: InstanceProbesOptions;
  readonly #probe: typeof untilStarted;
  readonly #follow: typeof followReadiness;
  readonly #limit = new AttemptLimit();

  constructor(options: InstanceProbesOptions) {
    this.#options = options;
    this.#probe = options.probe ?? untilStarted;
    this.#follow = options.follow ?? followReadiness;
  }

  /**
   * Probes an instance that has an address until it is set aside.
   * @param admit called when it has started and is ready for the first time.
   */
  begin(tracked: Tracked, revision: CompiledRevision, admit: () => void): void {
    const probing = new AbortController();
    tracked.probing = probing;
    this.#run(tracked, revision, probing.signal, admit).catch((error) =>
      this.#options.log.error({ pod: tracked.pod.key, err: error }, 'probe failed'),
    );
  }

  async #run(
    tracked: Tracked,
    { check, readiness }: CompiledRevision,
    signal: AbortSignal,
    admit: () => void,
  ): Promise<void> {
    const host = tracked.pod.ip as string;
    const { startLimitMs: limitMs, log } = this.#options;
    const started = await this.#probe(host, check, { limitMs, signal });
    if (signal.aborted) return;
    if (started && readiness) {
      const onChange = (ready: boolean): void => (tracked.ready ? this.#hold(tracked, !ready) : admit());
      await this.#follow(host, readiness, { signal, limit: this.#limit, onChange });
      return;
    }
    tracked.probing = undefined;
    if (started) admit();
    else log.warn({ pod: tracked.pod.key, limitMs }, 'instance did not start in time');
  }

  #hold(tracked: Tracked, held: boolean): void {
    tracked.setHeld(held);
    const { log } = this.#options;
    const { key: pod } = tracked.pod;
    if (held) log.warn({ pod }, 'instance fails its readiness probe; it gets no new requests');
    else log.info({ pod }, 'instance passes its readiness probe again');
  }
}
