import { SERVING } from '../apis/labels.ts';
import type { KubeClient } from '../kube/client.ts';
import { PODS, type Pod } from '../kube/core.ts';
import { Informer } from '../kube/informer.ts';
import { identityOf } from '../kube/types.ts';
import type { Logger } from '../telemetry/log.ts';
import {
  type AddressOwner,
  addressesOf,
  findOwner,
  isSameOwner,
  mayHaveEnded,
  startingOn,
} from './addressOwner.ts';

/** How long a request may wait until its caller is known: the API shows a new pod's address after about a second. */
const WAIT_MS = 5_000;
/** How long after an unsuccessful lookup of an address until the next. */
const LOOK_UP_MS = 1_000;

/** The caller is unknown, or is no instance: the request is rejected. */
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
 * Identifies callers by their address. It watches all pods, not only instances: the new owner of an address must not be
 * taken for the instance that had it before.
 */
export class Callers {
  readonly informer: Informer<Pod>;
  readonly #client: CallersOptions['client'];
  readonly #now: () => number;
  readonly #waitMs: number;
  /** By address, so that many requests from one share a lookup. */
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
   * The instance that sends from an address, according to the watch; a request that arrives before the API shows its
   * pod's address waits for it.
   * @throws {CallerError} when it stays unknown or is no instance.
   */
  async at(address: string): Promise<Pod> {
    const owner = this.#ownerOf(address);
    if (owner.state === 'owned') return instance(owner.pod, address);
    const known = this.#waiting.get(address);
    if (known) return known;
    const waiting = this.#waitFor(address).finally(() => this.#waiting.delete(address));
    this.#waiting.set(address, waiting);
    return waiting;
  }

  /**
   * The same, confirmed by the API server at this moment, because the watch may lag behind.
   * @throws {CallerError} see {@link at}; {KubeError} when the API server cannot be asked.
   */
  async certainlyAt(address: string): Promise<Pod> {
    const pod = await this.at(address);
    const later = await this.#client.get(PODS, pod.metadata);
    const same = isSameOwner(pod, later, address);
    if (same && !mayHaveEnded(later)) return pod;
    const owner = await this.#lookUp(address, same ? later : undefined);
    if (owner.state === 'owned') return instance(owner.pod, address);
    throw rejection(owner, address);
  }

  async #waitFor(address: string): Promise<Pod> {
    const deadline = this.#now() + this.#waitMs;
    let nextLookUpAt = 0;
    for (;;) {
      const changed = this.#changed.promise;
      let owner = this.#ownerOf(address);
      if (owner.state === 'unknown' && this.#now() >= nextLookUpAt) {
        nextLookUpAt = this.#now() + LOOK_UP_MS;
        owner = await this.#lookUp(address);
      }
      if (owner.state === 'owned') return instance(owner.pod, address);
      const left = deadline - this.#now();
      if (left <= 0) throw rejection(owner, address);
      await soon(changed, Math.min(left, LOOK_UP_MS));
    }
  }

  #ownerOf(address: string): AddressOwner {
    const { store } = this.informer;
    const starting = (node: string) => store.byIndex('starting', node);
    return findOwner(store.byIndex('address', address), starting, this.#now());
  }

  /**
   * Finds the owner by the API server's present state.
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

function rejection(owner: AddressOwner, address: string): CallerError {
  if (owner.state === 'contested') {
    return new CallerError(
      'CALLER_CONTESTED',
      `the owner of address ${address} is not certain yet: ${owner.message}`,
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

/** The few fields that identify a pod; whole pods of a large cluster would take hundreds of megabytes. */
function slim({ apiVersion, kind, metadata, spec, status }: Pod): Pod {
  const scheduled = status?.conditions?.filter(({ type }) => type === 'PodScheduled');
  return {
    apiVersion,
    kind,
    metadata: { ...identityOf(metadata), labels: instanceLabels(metadata.labels) },
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
