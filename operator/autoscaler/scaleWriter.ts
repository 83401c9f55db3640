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

export interface ScaleWriterOptions {
  client: Pick<KubeClient, 'mergePatch' | 'delete'>;
  /** The instances of a revision, by its UID. */
  podsOf: (uid: string) => readonly Pod[];
  log: Logger;
}

export interface ScaleChange {
  deployment: Deployment;
  from: number;
  to: number;
  reason: string;
  /** resourceVersion that the decision was based on: a number is lowered only if it has not changed since. */
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

  async #scale({ deployment, from, to, seen, instances, remove }: ScaleChange): Promise<number> {
    const lowers = to < from;
    if (lowers && to > 0) await this.#writeDeletionCosts(deployment, instances, remove);
    // Only the observed version is scaled in: a gateway may have woken the revision a moment ago.
    const precondition = lowers ? { metadata: { resourceVersion: seen } } : {};
    const answer = await this.#options.client.mergePatch<Deployment>(
      DEPLOYMENTS,
      deployment.metadata,
      { ...precondition, spec: { replicas: to } },
      { subresource: 'scale', fieldManager: FIELD_MANAGER, timeoutMs: lowers ? undefined : RAISE_MS },
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
