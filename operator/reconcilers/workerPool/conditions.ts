import type { Condition } from '../../apis/condition.ts';
import {
  WORKER_POOL_REASONS as REASONS,
  WORKER_POOL_CONDITIONS as TYPES,
} from '../../apis/run/workerPool/conditions.ts';
import type { Revision } from '../../apis/serving/revision/types.ts';
import type { Deployment, Pod } from '../../kube/core.ts';
import { readyCondition } from '../../kube/pod.ts';
import type { RoleConfig } from '../../roles.ts';
import { diagnose } from '../diagnosis/chain.ts';
import type { Evidence } from '../diagnosis/evidence.ts';
import { replicaFailure } from '../diagnosis/replicaFailure.ts';
import { lastExit } from '../diagnosis/restart.ts';

/** A revision of the pool with its instances, as far as the conditions look at them. */
export interface Running {
  revision: Revision;
  deployment?: Deployment;
  pods: readonly Pod[];
  /** What it is to have in the end. */
  wanted: number;
}

export interface InstancesInput {
  /** Instances that the pool shall have. */
  count: number;
  running: readonly Running[];
  /** Names in the splits that no revision has. */
  missing: readonly string[];
  /** Revisions of the target that are not proven, with why they failed if they did. */
  unproven: readonly { name: string; failed: boolean; message?: string }[];
  /** Names of the revisions that have the shares meanwhile. */
  instead: readonly string[];
  config: RoleConfig<'controller'>;
  now: number;
}

type State = Omit<Condition, 'type'>;

/** Whether the instances that are asked for run, and of the revisions that are asked for; otherwise why not. */
export function instancesReady(input: InstancesInput): Condition {
  const type = TYPES.instancesReady;
  const state = misconfigured(input) ?? moving(input) ?? starting(input) ?? running(input);
  return { type, ...state };
}

/** What a person must put right. */
function misconfigured({ missing, unproven, instead }: InstancesInput): State | undefined {
  if (missing.length > 0) {
    const message = `Revision '${missing[0]}' in spec.instanceSplits not found; all instances stay as they were.`;
    return { status: 'False', reason: REASONS.revisionMissing, message };
  }
  const failed = unproven.find((revision) => revision.failed);
  if (!failed || instead.length === 0) return undefined;
  const message = `Revision '${failed.name}' does not start; its share stays with ${list(instead)}. ${failed.message ?? ''}`;
  return { status: 'False', reason: REASONS.revisionFailed, message: message.trimEnd() };
}

function moving({ count, unproven, instead, running }: InstancesInput): State | undefined {
  const all = running.reduce((sum, { deployment }) => sum + present(deployment), 0);
  if (count === 0 && all > 0) return deploying(`${all} instances are being stopped.`);
  if (count === 0) return undefined;
  const [next] = unproven;
  if (next && instead.length > 0) {
    return deploying(
      `Revision '${next.name}' is starting; its share stays with ${list(instead)} until it has.`,
    );
  }
  const leaving = running.find(({ deployment, wanted }) => present(deployment) > wanted);
  if (!leaving) return undefined;
  const replicas = present(leaving.deployment);
  return deploying(
    `Instances are moving: revision '${leaving.revision.metadata.name}' still has ${replicas} and should have ${leaving.wanted}.`,
  );
}

/** Instances that are wanted and do not run, with what their containers or the cluster say. */
function starting({ count, running, config, now }: InstancesInput): State | undefined {
  const ready = running.reduce(
    (sum, { deployment, wanted }) => sum + Math.min(wanted, readyOf(deployment)),
    0,
  );
  if (ready >= count) return undefined;
  const lacking = running.filter(({ deployment, wanted }) => wanted > readyOf(deployment));
  const states = lacking.map((each) => whyLacking(each, config, now));
  const grave = states.find((state) => state?.status === 'False');
  if (grave) return grave;
  const why = states.find((state) => state?.message)?.message;
  return deploying(`${ready} of ${count} instances are ready.${why ? ` ${why}` : ''}`);
}

function whyLacking(each: Running, config: RoleConfig<'controller'>, now: number): State | undefined {
  const waiting = each.pods.filter((pod) => !readyCondition(pod));
  const problem = diagnose({
    ...evidenceOf(each, config, now),
    pods: waiting,
    rejection: replicaFailure(each),
    restarts: true,
  });
  if (!problem || problem.check === 'noPods') return undefined;
  const { check, reason, message, final } = problem;
  return final || check === 'creation' ? { status: 'False', reason, message } : deploying(message);
}

function evidenceOf({ revision, pods }: Running, config: RoleConfig<'controller'>, now: number): Evidence {
  return { runs: 'workerPool', containers: revision.spec.containers, pods, now, config };
}

/** All is as it should be; how an instance exited that has been started again is reported nevertheless. */
function running({ count, running, config, now }: InstancesInput): State {
  if (count === 0) {
    const message = 'The desired number of instances is 0; the revisions are kept.';
    return { status: 'True', reason: REASONS.noInstances, message };
  }
  for (const each of running) {
    const exit = each.wanted > 0 ? lastExit(evidenceOf(each, config, now), false) : undefined;
    if (exit) return { status: 'True', reason: exit.reason, message: exit.message };
  }
  return { status: 'True' };
}

function readyOf(deployment: Deployment | undefined): number {
  return Math.min(deployment?.status?.readyReplicas ?? 0, deployment?.spec?.replicas ?? 0);
}

/** Instances that there are or shall be; what is not asked for any more goes a moment later. */
function present(deployment: Deployment | undefined): number {
  return Math.max(deployment?.spec?.replicas ?? 0, deployment?.status?.replicas ?? 0);
}

function deploying(message: string): State {
  return { status: 'Unknown', reason: REASONS.deploying, message };
}

function list(names: readonly string[]): string {
  return names.map((name) => `'${name}'`).join(', ');
}
