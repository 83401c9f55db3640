import { revisionUidOf, SERVING } from '../apis/labels.ts';
import { RAISE_MS } from '../gateway/shared/limits.ts';
import type { KubeClient } from '../kube/client.ts';
import { DEPLOYMENTS, type Deployment, PODS, type Pod } from '../kube/core.ts';
import { isKubeError } from '../kube/errors.ts';
import { keyOf } from '../kube/types.ts';
import type { Logger } from '../telemetry/log.ts';
import { scaleDecisions } from '../telemetry/metrics.ts';
import { DELETION_COST, deletionCostChanges } from './deletionCost.ts';

const FIELD_MANAGER = 'homerun-autoscaler';
/** How often a raise is tried where the Deployment changes in between, as its status does while instances start. */
const RAISE_ATTEMPTS = 5;

export interface ScaleWriterOptions {
  client: Pick<KubeClient, 'get' | 'mergePatch' | 'delete'>;
  /** The instances of a revision, by its UID. */
  podsOf: (uid: string) => readonly Pod[];
  log: Logger;
}

export interface ScaleChange {
  deployment: Deployment;
  from: number;
  to: number;
  reason: string;
  /** resourceVersion that the decision was based on: a Deployment that has changed since is not lowered. */
  seen: string;
  /** Requests in flight by pod name. */
  instances: ReadonlyMap<string, number>;
  /** UIDs of the pods to remove. */
  remove: ReadonlySet<string>;
}

/** The result of a write: the Deployment's version with the number, or whether it may still take effect. */
export type Written =
  | { readonly version: number }
  | { readonly version?: undefined; readonly unknown: boolean };

/** Writes the number of a revision's instances: `/scale` of its Deployment, and before it the pods' deletion costs. */
export class ScaleWriter {
  readonly #options: ScaleWriterOptions;

  constructor(options: ScaleWriterOptions) {
    this.#options = options;
  }

  /** Logs a write that fails; a conflict or a deleted Deployment is expected and logged at debug level. */
  async write(change: ScaleChange): Promise<Written> {
    const { deployment, from, to, reason } = change;
    const names = { namespace: deployment.metadata.namespace, revision: revisionOf(deployment) };
    try {
      const version = await this.#scale(change);
      scaleDecisions.inc({ direction: to < from ? 'down' : 'up', reason });
      this.#options.log.info({ ...names, from, to, reason }, 'instances set');
      return { version };
    } catch (err) {
      const level = isKubeError(err, 'KUBE_CONFLICT', 'KUBE_NOT_FOUND') ? 'debug' : 'error';
      this.#options.log[level]({ err, ...names }, 'the number of instances was not set; trying again');
      return { unknown: isKubeError(err, 'KUBE_UNREACHABLE', 'KUBE_SERVER') };
    }
  }

  /** Deletes an instance; a failure is logged and retried in the next round. */
  async evict({ metadata }: Pod): Promise<void> {
    try {
      await this.#options.client.delete(PODS, metadata, { uid: metadata.uid });
      this.#options.log.info({ pod: keyOf(metadata) }, 'instance evicted, its requests have ended');
    } catch (err) {
      const level = isKubeError(err, 'KUBE_CONFLICT') ? 'debug' : 'error';
      this.#options.log[level]({ err, pod: keyOf(metadata) }, 'an instance was not evicted; trying again');
    }
  }

  async #scale(change: ScaleChange): Promise<number> {
    const { deployment, from, to, seen, instances, remove } = change;
    if (to > from) return this.#raise(change);
    if (to > 0) await this.#writeDeletionCosts(deployment, instances, remove);
    return this.#patch(deployment, to, seen);
  }

  /**
   * Raises what has changed since it was read too, unless it has that many instances by now. A write without a
   * precondition would end the requests of instances if the API server carried it out late, after another raise.
   */
  async #raise({ deployment, to, seen }: ScaleChange): Promise<number> {
    const { metadata } = deployment;
    let version = seen;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#patch(deployment, to, version, RAISE_MS);
      } catch (error) {
        if (!isKubeError(error, 'KUBE_CONFLICT') || attempt === RAISE_ATTEMPTS) throw error;
        const live = await this.#options.client.get(DEPLOYMENTS, metadata, { timeoutMs: RAISE_MS });
        if (live?.metadata.uid !== metadata.uid || (live?.spec?.replicas ?? 1) >= to) throw error;
        version = live?.metadata.resourceVersion ?? '';
      }
    }
  }

  /** Sets the number if the Deployment still has this version: a gateway may have woken the revision a moment ago. */
  async #patch({ metadata }: Deployment, replicas: number, resourceVersion: string, timeoutMs?: number) {
    const answer = await this.#options.client.mergePatch<Deployment>(
      DEPLOYMENTS,
      metadata,
      { metadata: { resourceVersion }, spec: { replicas } },
      { subresource: 'scale', fieldManager: FIELD_MANAGER, timeoutMs },
    );
    return Number(answer.metadata.resourceVersion);
  }

  async #writeDeletionCosts(
    deployment: Deployment,
    instances: ReadonlyMap<string, number>,
    remove: ReadonlySet<string>,
  ): Promise<void> {
    const { client, podsOf } = this.#options;
    const pods = podsOf(revisionUidOf(deployment) ?? '');
    const changes = deletionCostChanges(pods, instances, remove);
    await Promise.all(
      changes.map(({ pod, cost }) =>
        client
          .mergePatch(PODS, pod.metadata, { metadata: { annotations: { [DELETION_COST]: cost } } })
          .catch((error) => {
            if (!isKubeError(error, 'KUBE_NOT_FOUND')) throw error;
          }),
      ),
    );
  }
}

function revisionOf({ metadata }: Deployment): string {
  return metadata.labels?.[SERVING.revision] ?? '';
}
