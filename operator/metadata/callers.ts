import { SERVING } from '../apis/labels.ts';
import type { KubeClient } from '../kube/client.ts';
import { PODS, type Pod } from '../kube/core.ts';
import { Informer } from '../kube/informer.ts';
import type { Logger } from '../telemetry/log.ts';
import {
  type AddressOwner,
  addressesOf,
  findOwner,
  isSameOwner,
  mayHaveEnded,
  startingOn,
} from './addressOwner.ts';

/** How long a request may wait until it is known who asks: the API shows a new pod's address after about a second. */
const WAIT_MS = 5_000;
/** How long after an address was looked for in vain before it is looked for again. */
const LOOK_UP_MS = 1_000;

/** It is not known who asks, or it is nobody who may: nothing is told. */
export class CallerError extends Error {
  override readonly name = 'CallerError';
  readonly code: 'CALLER_UNKNOWN' | 'CALLER_CONTESTED';

  constructor(code: CallerError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

export interface CallersOptions {
  client: Pick<KubeClient, 'list' | 'get' | 'watch'>;
  log: Logger;
  now?: () => number;
  waitMs?: number;
}

/**
 * Knows callers by their address. It watches all pods, not only instances: an address that went to a pod of
 * somebody else must not pass for the instance's that had it before.
 */
export class Callers {
  readonly informer: Informer<Pod>;
  readonly #client: CallersOptions['client'];
  readonly #now: () => number;
  readonly #waitMs: number;
  /** By address, so that many requests from one look only once. */
  readonly #waiting = new Map<string, Promise<Pod>>();
  #changed = Promise.withResolvers<void>();

  constructor({ client, log, now = Date.now, waitMs = WAIT_MS }: CallersOptions) {
    this.#client = client;
    this.#now = now;
    this.#waitMs = waitMs;
    this.informer = new Informer({
      client,
      log,
      type: PODS,
      indexers: { address: addressesOf, starting: startingOn },
      transform: slim,
    });
    this.informer.onChange(() => {
      this.#changed.resolve();
      this.#changed = Promise.withResolvers();
    });
  }

  /**
   * The instance that sends from an address, as far as the watch knows; a request that comes before the API knows
   * its pod's address waits for it.
   * @throws {CallerError} when it stays unknown or is no instance.
   */
  async at(address: string): Promise<Pod> {
    const holder = this.#judge(address);
    if (holder.state === 'held') return instance(holder.pod, address);
    const known = this.#waiting.get(address);
    if (known) return known;
    const waiting = this.#wait(address).finally(() => this.#waiting.delete(address));
    this.#waiting.set(address, waiting);
    return waiting;
  }

  /**
   * The same, and certain at this moment: the API server itself is asked, because the watch may lag behind.
   * @throws {CallerError} see {@link at}; {KubeError} when the API server cannot be asked.
   */
  async certainlyAt(address: string): Promise<Pod> {
    const pod = await this.at(address);
    const later = await this.#client.get(PODS, pod.metadata);
    const same = isSameOwner(pod, later, address);
    if (same && !mayHaveEnded(later)) return pod;
    const holder = await this.#lookUp(address, same ? later : undefined);
    if (holder.state === 'held') return instance(holder.pod, address);
    throw refusal(holder, address);
  }

  async #wait(address: string): Promise<Pod> {
    const deadline = this.#now() + this.#waitMs;
    let lookAgainAt = 0;
    for (;;) {
      const changed = this.#changed.promise;
      let holder = this.#judge(address);
      if (holder.state === 'unknown' && this.#now() >= lookAgainAt) {
        lookAgainAt = this.#now() + LOOK_UP_MS;
        holder = await this.#lookUp(address);
      }
      if (holder.state === 'held') return instance(holder.pod, address);
      const left = deadline - this.#now();
      if (left <= 0) throw refusal(holder, address);
      await soon(changed, Math.min(left, LOOK_UP_MS));
    }
  }

  #judge(address: string): AddressOwner {
    const { store } = this.informer;
    const starting = (node: string) => store.byIndex('starting', node);
    return findOwner(store.byIndex('address', address), starting, this.#now());
  }

  /**
   * Judges by what the API server says now.
   * @param known a pod that has the address; the server finds pods by the first of their addresses only.
   */
  async #lookUp(address: string, known?: Pod): Promise<AddressOwner> {
    const { items } = await this.#client.list(PODS, { fieldSelector: `status.podIP=${address}` });
    const isListed = items.some(({ metadata }) => metadata.uid === known?.metadata.uid);
    const claimants = known && !isListed ? [...items, known] : items;
    const [node] = claimants.filter(mayHaveEnded).flatMap(({ spec }) => spec?.nodeName ?? []);
    const beside = node
      ? await this.#client.list(PODS, { fieldSelector: `spec.nodeName=${node}` })
      : { items: [] };
    const starting = (on: string) => beside.items.filter((pod) => startingOn(pod).includes(on));
    return findOwner(claimants, starting, this.#now());
  }
}

/** @throws {CallerError} when a pod is no instance of Cloud Run's kinds. */
function instance(pod: Pod, address: string): Pod {
  const isInstance = Object.keys(pod.metadata.labels ?? {}).some(
    (label) => label === SERVING.revision || label.startsWith('run.googleapis.com/'),
  );
  if (isInstance) return pod;
  const { namespace, name } = pod.metadata;
  throw new CallerError(
    'CALLER_UNKNOWN',
    `${address} is pod ${namespace}/${name}, which is no instance of a service, job or worker pool`,
  );
}

function refusal(holder: AddressOwner, address: string): CallerError {
  if (holder.state === 'contested') {
    return new CallerError(
      'CALLER_CONTESTED',
      `it is not certain yet whose address ${address} is: ${holder.message}`,
    );
  }
  return new CallerError('CALLER_UNKNOWN', `no instance has the address ${address}`);
}

async function soon(changed: Promise<void>, ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([changed, promise]);
  clearTimeout(timer);
}

/** The few fields that tell who a pod is; whole pods of a large cluster would take hundreds of megabytes. */
function slim({ apiVersion, kind, metadata, spec, status }: Pod): Pod {
  const { name, namespace, uid, resourceVersion, creationTimestamp, deletionTimestamp, labels } = metadata;
  const scheduled = status?.conditions?.filter(({ type }) => type === 'PodScheduled');
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      namespace,
      uid,
      resourceVersion,
      creationTimestamp,
      deletionTimestamp,
      labels: instanceLabels(labels),
    },
    spec: {
      nodeName: spec?.nodeName,
      serviceAccountName: spec?.serviceAccountName,
      hostNetwork: spec?.hostNetwork,
      restartPolicy: spec?.restartPolicy,
    },
    status: {
      phase: status?.phase,
      podIP: status?.podIP,
      podIPs: status?.podIPs,
      conditions: scheduled,
    },
  } as Pod;
}

function instanceLabels(labels: Record<string, string> = {}): Record<string, string> {
  return Object.fromEntries(
    Object.entries(labels).filter(
      ([name]) => name === SERVING.revision || name.startsWith('run.googleapis.com/'),
    ),
  );
}
