import { parseDuration } from '../apis/duration.ts';
import { cores, isQuantity } from '../apis/quantity.ts';
import { boostEnd } from '../apis/serving/revision/boost.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Pod } from '../kube/core.ts';
import { isKubeError } from '../kube/errors.ts';
import { readyCondition } from '../kube/pod.ts';
import { type KubeObject, keyOf } from '../kube/types.ts';
import type { Logger } from '../telemetry/log.ts';

const API = '/apis/metrics.k8s.io/v1beta1';
const POLL_MS = 10_000;
const TIMEOUT_MS = 5000;
/** An older measurement is not used; metrics-server measures every 15 s. */
const STALE_MS = 120_000;

/** metrics.k8s.io/v1beta1 PodMetrics. */
export interface PodMetrics extends KubeObject {
  /** End of the measured interval. */
  timestamp: string;
  /** Its length, a Go duration. */
  window: string;
  containers: { name: string; usage: { cpu: string } }[];
}

/** CPU use of one pod over an interval (Unix time in ms). */
export interface PodCpu {
  readonly cores: number;
  readonly from: number;
  readonly to: number;
}

/**
 * The CPU use of all instances: `absent` on a cluster without metrics.k8s.io, `lost` while it does not answer, or has not
 * yet. `poll` numbers the answers.
 */
export type CpuUse =
  | { readonly state: 'absent' | 'lost' }
  | { readonly state: 'known'; readonly poll: number; readonly pods: ReadonlyMap<string, PodCpu> };

/** Reads the CPU use of all instances, every 10 s. */
export class CpuReader {
  readonly #client: KubeClient;
  readonly #labelSelector: string;
  readonly #paths: readonly string[];
  readonly #log: Logger;
  #use: CpuUse = { state: 'lost' };
  #polls = 0;
  #nextAt = 0;
  #loggedState?: string;

  constructor(options: {
    client: KubeClient;
    labelSelector: string;
    /** Namespaces to read; all when empty. */
    namespaces?: readonly string[];
    log: Logger;
  }) {
    const { namespaces = [] } = options;
    this.#paths =
      namespaces.length > 0 ? namespaces.map((name) => `${API}/namespaces/${name}/pods`) : [`${API}/pods`];
    this.#client = options.client;
    this.#labelSelector = options.labelSelector;
    this.#log = options.log;
  }

  get use(): CpuUse {
    return this.#use;
  }

  /** Reads again when it is due; never fails. */
  async poll(now: number): Promise<void> {
    if (now < this.#nextAt) return;
    this.#nextAt = now + POLL_MS;
    try {
      const options = { query: { labelSelector: this.#labelSelector }, timeoutMs: TIMEOUT_MS, verb: 'list' };
      const lists = await Promise.all(
        this.#paths.map((path) => this.#client.request<{ items: PodMetrics[] }>('GET', path, options)),
      );
      this.#use = { state: 'known', poll: ++this.#polls, pods: podCpus(lists.flatMap(({ items }) => items)) };
      this.#logState('known');
    } catch (error) {
      this.#use = { state: isKubeError(error, 'KUBE_NOT_FOUND') ? 'absent' : 'lost' };
      this.#logState(this.#use.state, error);
    }
  }

  #logState(state: CpuUse['state'], err?: unknown): void {
    if (this.#loggedState === state) return;
    this.#loggedState = state;
    if (state === 'absent')
      this.#log.warn({ err }, 'no CPU metrics (metrics.k8s.io): scaling by requests alone');
    if (state === 'lost') this.#log.warn({ err }, 'CPU metrics fail: spare instances stay until they return');
    if (state === 'known') this.#log.info('scaling by requests and CPU use');
  }
}

/** By `namespace/name`; a pod whose measurement does not parse is left out. */
export function podCpus(items: readonly PodMetrics[]): Map<string, PodCpu> {
  const pods = new Map<string, PodCpu>();
  for (const { metadata, timestamp, window, containers } of items) {
    const to = Date.parse(timestamp);
    const used = containers.reduce(
      (sum, { usage }) => sum + (isQuantity(usage.cpu) ? cores(usage.cpu) : Number.NaN),
      0,
    );
    const from = to - (parseDuration(window) ?? Number.NaN);
    if (Number.isFinite(used) && Number.isFinite(from)) pods.set(keyOf(metadata), { cores: used, from, to });
  }
  return pods;
}

/**
 * The CPU use of a revision's instances. One that was still starting when it was measured counts as not
 * measured: its start uses CPU that no request needs, and so does a startup CPU boost.
 */
export function cpuOf(
  pods: readonly Pod[],
  measured: ReadonlyMap<string, PodCpu>,
  now: number,
): { cores: number; unmeasured: number } {
  let used = 0;
  let unmeasured = 0;
  for (const pod of pods) {
    const since = readySince(pod);
    if (since === undefined || pod.metadata.deletionTimestamp) continue;
    const cpu = measured.get(keyOf(pod.metadata));
    if (cpu && cpu.from >= since && now - cpu.to < STALE_MS) used += cpu.cores;
    else unmeasured++;
  }
  return { cores: used, unmeasured };
}

function readySince(pod: Pod): number | undefined {
  const ready = readyCondition(pod);
  return ready && boostEnd(pod, Date.parse(ready.lastTransitionTime ?? ''));
}
