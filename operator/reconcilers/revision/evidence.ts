import { type Condition, conditionOf, isFalse, isTrue } from '../../apis/condition.ts';
import {
  REVISION_REASONS as REASONS,
  REVISION_CONDITIONS as TYPES,
} from '../../apis/serving/revision/conditions.ts';
import type { Revision } from '../../apis/serving/revision/types.ts';
import type { RoleConfig } from '../../roles.ts';
import type { Evidence } from '../diagnosis/evidence.ts';
import { replicaFailure } from '../diagnosis/replicaFailure.ts';
import type { RevisionInput } from './input.ts';
import { retryAt } from './retry.ts';

/** What was observed of a revision, as the checks of its diagnosis take it. */
export function evidenceOf(input: RevisionInput, config: RoleConfig<'controller'>, now: number): Evidence {
  const { revision, deployment, pool } = input;
  const reported = conditionOf(revision.status?.conditions, TYPES.containerHealthy);
  const proven = isTrue(reported);
  return {
    runs: pool ? 'workerPool' : 'service',
    containers: revision.spec.containers,
    pods: input.pods,
    now,
    config,
    createdAt: Date.parse(revision.metadata.creationTimestamp ?? ''),
    digests: input.digests,
    reported,
    rejection: replicaFailure(input),
    lastFailure: isFalse(reported) && !lackedDigest(revision, reported) ? reported : undefined,
    retryAt: input.wanted ? retryAt(revision) : undefined,
    retried: !proven,
    idle: pool && !deployment?.spec?.replicas,
    mount: input.mount,
    passed: input.passed,
    proven,
    needed: proven ? 1 : input.initialInstances,
    // A pool's first revision replaces nothing: it is ready as soon as it runs, as a Deployment is. To wait with that
    // would cost every new pool the time in which few programs exit; one that does says so in InstancesReady.
    minReadyMs: pool?.replaces ? config.startup.crashSeconds * 1000 : 0,
  };
}

/** Whether it failed for want of a digest: the registry has answered since, or there would be nothing to start. */
function lackedDigest({ spec, status }: Revision, reported: Condition | undefined): boolean {
  const isKnown = status?.containerStatuses?.length === spec.containers.length;
  return reported?.reason === REASONS.containerMissing && !isKnown;
}
