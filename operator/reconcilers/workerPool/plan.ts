import { BOOKKEEPING } from '../../apis/annotations/bookkeeping.ts';
import { type Condition, conditionOf, mergeConditions, READY, readyOf } from '../../apis/condition.ts';
import { errorMessage } from '../../apis/fieldError.ts';
import { RUN } from '../../apis/labels.ts';
import {
  WORKER_POOL_REASONS as REASONS,
  WORKER_POOL_CONDITIONS as TYPES,
} from '../../apis/run/workerPool/conditions.ts';
import { instanceCount, stepPercents, stepsOf } from '../../apis/run/workerPool/scaling.ts';
import type { WorkerPool } from '../../apis/run/workerPool/types.ts';
import { validateWorkerPool } from '../../apis/run/workerPool/validation.ts';
import type { Revision } from '../../apis/serving/revision/types.ts';
import { partsOf } from '../../apis/serving/traffic/shares.ts';
import type { Deployment, Pod } from '../../kube/core.ts';
import type { Plan, PlannedEvent } from '../../kube/plan.ts';
import type { KubeObject } from '../../kube/types.ts';
import type { RoleConfig } from '../../roles.ts';
import { partition, portability, readyEvents } from '../readiness.ts';
import { pending, type RejectionInput, withRejection } from '../rejection.ts';
import { hasOtherBaseImage } from '../revision/baseImage.ts';
import { desiredDeployment, type Offer, surroundingsOf } from '../revision/deployment.ts';
import { applicable, rollOutEvents, type TemplateState, templateState } from '../revision/podTemplate.ts';
import { generationOf } from '../template/generation.ts';
import { planTemplate, type TemplateOwner, type TemplatePlan } from '../template/plan.ts';
import { instancesReady } from './conditions.ts';
import { type Member, rollOut } from './rollOut.ts';
import { lacksImage, type Split, sharesOf, splitOf, stateOf } from './split.ts';

/** Everything that the plan of a worker pool depends on. */
export interface WorkerPoolInput extends Offer {
  pool: WorkerPool;
  /** The revisions made from this pool. */
  revisions: Revision[];
  /** The revision that has the name which the template asks for, whatever made it. */
  named?: Revision;
  /** Revision -> its Deployment; those that exist. */
  deployments: ReadonlyMap<string, Deployment>;
  /** Revisions whose running instances may be replaced by ones of another pod template. */
  mayRollOut?: ReadonlySet<string>;
  /** Revision -> the pods of its instances. */
  pods: ReadonlyMap<string, Pod[]>;
}

/** What a worker pool needs, and how the instances of its revisions stand to the pod template that they should have. */
export interface WorkerPoolPlan extends Plan<WorkerPool> {
  templates?: ReadonlyMap<string, TemplateState>;
}

/**
 * A worker pool makes revisions as a configuration does, and gives each of them its part of the instances. A pool
 * that breaks the contract changes nothing that runs, and its status lists everything that is wrong with it.
 */
export function planWorkerPool(
  input: WorkerPoolInput,
  config: RoleConfig<'controller'>,
  now: number,
): WorkerPoolPlan {
  const { pool, named } = input;
  const [foreign, errors] = partition(validateWorkerPool(pool));
  if (errors.length > 0) return unchanged(input, errorMessage(errors), now);
  const revisions = input.revisions.filter(({ metadata }) => !metadata.deletionTimestamp);
  const used = usedRevisions(input);
  const template = planTemplate(
    { owner: ownerOf(pool, input.revisions), revisions, named, used },
    config.revisionHistory,
    now,
  );
  const byName = new Map(revisions.map((revision) => [revision.metadata.name, revision]));
  const split = splitOf(
    pool,
    byName,
    template.latest?.metadata.name ?? template.names.latestReadyRevisionName,
  );
  const count = instanceCount(pool);
  const members = revisions.map((revision) => memberOf(revision, input));
  const [inForce, target] = [sharesOf(split.inForce), sharesOf(split.target)];
  const next = rollOut({ count, inForce, target, steps: stepsOf(pool, count), members });
  const conditions = [
    revisionsReady(template, split, count),
    instancesReady({ ...observed(input, split, count), config, now }),
  ];
  const all = [...conditions, readyOf(conditions), ...portability(foreign)];
  const status = statusOf(input, template.names, split, mergeConditions(pool.status?.conditions, all, now));
  const made = deployments(revisions, next, input, config);
  return {
    apply: [...template.apply, ...made.flatMap(({ apply }) => apply)],
    templates: new Map(made.map(({ revision, template }) => [revision, template])),
    remove: template.remove,
    status: { ...pool, status },
    events: [...template.events, ...readyEvents(pool, conditions), ...made.flatMap(({ events }) => events)],
  };
}

/** The status of a worker pool while the cluster rejects a revision or a Deployment. */
export function rejectedWorkerPool(input: RejectionInput): KubeObject | undefined {
  const open = pending(input.planned, [TYPES.configurationsReady, TYPES.instancesReady]);
  return open.length === 0 ? undefined : withRejection(input, [...open, READY]);
}

/** In the status: the number of the last revision that was seen, which may have been deleted since. */
const LAST_NUMBER = BOOKKEEPING.lastRevisionNumber;

function lastNumber({ status }: WorkerPool, revisions: readonly Revision[]): number {
  const remembered = Number(status?.annotations?.[LAST_NUMBER] ?? 0) || 0;
  return Math.max(remembered, ...revisions.map(generationOf));
}

/** A worker pool as the owner of its revisions: each gets the number after the last one that ever was. */
export function ownerOf(pool: WorkerPool, revisions: readonly Revision[]): TemplateOwner {
  return {
    object: pool,
    template: pool.spec.template,
    number: 1 + lastNumber(pool, revisions),
    links: { [RUN.workerPool]: pool.metadata.name },
    ingress: false,
  };
}

/** Revisions that a split names, or that still have instances, are not collected. */
function usedRevisions({ pool, deployments }: WorkerPoolInput): Set<string> {
  const splits = [...(pool.spec.instanceSplits ?? []), ...(pool.status?.instanceSplits ?? [])];
  const running = [...deployments].filter(([, { spec }]) => (spec?.replicas ?? 0) > 0);
  return new Set([
    ...splits.flatMap(({ revisionName }) => revisionName || []),
    ...running.map(([name]) => name),
  ]);
}

function memberOf(revision: Revision, { deployments }: WorkerPoolInput): Member {
  const { spec, status } = deployments.get(revision.metadata.name) ?? {};
  return {
    revision: revision.metadata.name,
    replicas: spec?.replicas ?? 0,
    ready: status?.readyReplicas ?? 0,
    state: stateOf(revision),
    lacksImage: lacksImage(revision),
  };
}

interface Made {
  revision: string;
  apply: Deployment[];
  template: TemplateState;
  events: PlannedEvent[];
  /** Instances more than there are. */
  added: number;
}

/** The Deployments of all revisions that have instances or are to have some; more of one come before less of another. */
function deployments(
  revisions: readonly Revision[],
  next: ReadonlyMap<string, number>,
  input: WorkerPoolInput,
  config: RoleConfig<'controller'>,
): Made[] {
  const percents = stepPercents(input.pool);
  const made = revisions.flatMap((revision): Made[] => {
    const { name } = revision.metadata;
    const deployment = input.deployments.get(name);
    const present = deployment?.spec?.replicas ?? 0;
    const replicas = next.get(name) ?? 0;
    const images = imagesOf(revision);
    // What has no instances may stay as it is until it gets some.
    if (!images || (present === 0 && replicas === 0)) return [];
    const surroundings = surroundingsOf(revision, input, config);
    const desired = desiredDeployment(revision, images, config, { ...surroundings, replicas, percents });
    const mayRollOut =
      (input.mayRollOut?.has(name) ?? false) || hasOtherBaseImage(revision, desired, deployment);
    const apply = applicable(desired, deployment, mayRollOut);
    const template = templateState(desired, deployment);
    const events = rollOutEvents(name, template, mayRollOut);
    return [{ revision: name, apply, template, events, added: replicas - present }];
  });
  return made.toSorted((a, b) => b.added - a.added);
}

/** The images of a revision by digest; undefined until the registry has answered for all of them. */
function imagesOf({ spec, status }: Revision): Map<string, string> | undefined {
  const images = new Map<string, string>();
  for (const { name, imageDigest } of status?.containerStatuses ?? []) {
    if (name && imageDigest) images.set(name, imageDigest);
  }
  return spec.containers.every(({ name }) => images.has(name)) ? images : undefined;
}

/** The latest revision's Ready; one that gets no instances is not tried, and the pool is as it should be. */
function revisionsReady({ ready, latest }: TemplatePlan, { target }: Split, count: number): Condition {
  const type = TYPES.configurationsReady;
  if (ready.status !== 'Unknown') return { ...ready, type };
  const name = latest?.metadata.name;
  const share = target.some(({ revisionName, percent = 0 }) => revisionName === name && percent > 0);
  if (count > 0 && share) return { ...ready, type };
  const message = `Revision '${name}' is verified when it gets instances.`;
  return { type, status: 'True', reason: REASONS.noInstances, message };
}

function observed({ revisions, deployments, pods }: WorkerPoolInput, split: Split, count: number) {
  const wanted = partsOf(count, sharesOf(split.inForce));
  const byName = new Map(revisions.map((revision) => [revision.metadata.name, revision]));
  const targets = [
    ...new Set(
      sharesOf(split.target)
        .filter(({ percent }) => percent > 0)
        .map(({ revision }) => revision),
    ),
  ];
  const kept = new Set(sharesOf(split.inForce).map(({ revision }) => revision));
  const unproven = targets
    .filter((name) => stateOf(byName.get(name)) !== 'proven' && !kept.has(name))
    .map((name) => {
      const revision = byName.get(name);
      const message = conditionOf(revision?.status?.conditions, READY)?.message;
      return { name, failed: stateOf(revision) === 'failed', message };
    });
  const running = revisions.map((revision) => {
    const { name } = revision.metadata;
    return {
      revision,
      deployment: deployments.get(name),
      pods: pods.get(name) ?? [],
      wanted: wanted.get(name) ?? 0,
    };
  });
  return { count, running, missing: split.missing, unproven, instead: unproven.length > 0 ? [...kept] : [] };
}

function statusOf(
  { pool, revisions, deployments }: Pick<WorkerPoolInput, 'pool' | 'revisions' | 'deployments'>,
  names: TemplatePlan['names'],
  { inForce }: Pick<Split, 'inForce'>,
  conditions: Condition[],
): NonNullable<WorkerPool['status']> {
  const sum = (count: (status: NonNullable<Deployment['status']>) => number | undefined) =>
    [...deployments.values()].reduce((total, { status }) => total + ((status && count(status)) ?? 0), 0);
  return {
    observedGeneration: pool.metadata.generation,
    conditions,
    annotations: { [LAST_NUMBER]: String(lastNumber(pool, revisions)) },
    ...names,
    instanceSplits: inForce.filter(({ revisionName }) => revisionName),
    instances: sum(({ replicas }) => replicas),
    readyInstances: sum(({ readyReplicas }) => readyReplicas),
    selector: `${RUN.workerPool}=${pool.metadata.name}`,
  };
}

function unchanged(input: WorkerPoolInput, message: string, now: number): Plan<WorkerPool> {
  const { pool } = input;
  const { latestCreatedRevisionName, latestReadyRevisionName, instanceSplits = [] } = pool.status ?? {};
  const conditions: Condition[] = [TYPES.configurationsReady, TYPES.instancesReady, READY].map((type) => ({
    type,
    status: 'False',
    reason: REASONS.invalidArgument,
    message,
  }));
  const names = { latestCreatedRevisionName, latestReadyRevisionName };
  const merged = mergeConditions(pool.status?.conditions, conditions, now);
  return {
    apply: [],
    remove: [],
    status: { ...pool, status: statusOf(input, names, { inForce: instanceSplits }, merged) },
    events: readyEvents(pool, conditions),
  };
}
