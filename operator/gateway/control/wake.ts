import { setTimeout as sleep } from 'node:timers/promises';
import { deploymentName } from '../../apis/names.ts';
import type { KubeClient } from '../../kube/client.ts';
import { isKubeError } from '../../kube/errors.ts';
import { type ObjectRef, refOf } from '../../kube/types.ts';
import type { Logger } from '../../telemetry/log.ts';
import { gatewayWakeFailures } from '../../telemetry/metrics.ts';
import { RAISE_MS } from '../shared/limits.ts';

/** Between two attempts: small and constant, because a request waits. */
const RETRY_MS = 50;
/** After this many attempts the next message that a request waits starts over. */
const MAX_ATTEMPTS = 20;

interface Scale {
  metadata: { resourceVersion?: string };
  spec?: { replicas?: number };
}

/**
 * Scales a revision's Deployment from zero to one instance when a request waits for it; every other change is the
 * autoscaler's. The gateway does it itself because waking must not depend on the controller.
 */
export class Waker {
  readonly #client: KubeClient;
  readonly #log: Logger;
  readonly #signal: AbortSignal;
  readonly #underWay = new Map<string, Promise<boolean>>();

  constructor(client: KubeClient, log: Logger, signal: AbortSignal) {
    this.#client = client;
    this.#log = log;
    this.#signal = signal;
  }

  /**
   * Calls for a revision that is already being woken share one attempt.
   * @param needed whether a request still waits and the revision has no instance.
   * @param leaving whether an instance that takes no request is still counted, so that the replicas are about to become zero.
   * @returns whether it was scaled from zero by this call.
   */
  wake(revision: string, needed: () => boolean, leaving: () => boolean = () => false): Promise<boolean> {
    const present = this.#underWay.get(revision);
    if (present) return present;
    const attempt = this.#attempts(revision, needed, leaving).finally(() => this.#underWay.delete(revision));
    this.#underWay.set(revision, attempt);
    return attempt;
  }

  async #attempts(revision: string, needed: () => boolean, leaving: () => boolean): Promise<boolean> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS && needed() && !this.#signal.aborted; attempt++) {
      if (attempt > 0) await sleep(RETRY_MS, undefined, { ref: false });
      try {
        const raised = await raiseFromZero(this.#client, refOf(revision), this.#signal);
        if (raised || !leaving()) return raised;
      } catch (error) {
        // Changed in between: it is read again. No Deployment yet: the controller is about to create it.
        if (isKubeError(error, 'KUBE_CONFLICT') || isKubeError(error, 'KUBE_NOT_FOUND')) continue;
        gatewayWakeFailures.inc();
        this.#log.warn({ revision, err: error }, 'could not wake the revision');
      }
    }
    return false;
  }
}

/** @returns false when the replicas are not zero. */
async function raiseFromZero(
  client: KubeClient,
  { namespace, name }: ObjectRef,
  signal: AbortSignal,
): Promise<boolean> {
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments/${deploymentName(name)}/scale`;
  const scale = await client.request<Scale>('GET', path, { signal, timeoutMs: RAISE_MS });
  if ((scale.spec?.replicas ?? 0) > 0) return false;
  await client.request('PATCH', path, {
    // Fails with a conflict if the autoscaler has changed the replicas in between.
    body: { metadata: { resourceVersion: scale.metadata.resourceVersion }, spec: { replicas: 1 } },
    contentType: 'application/merge-patch+json',
    signal,
    timeoutMs: RAISE_MS,
  });
  return true;
}
