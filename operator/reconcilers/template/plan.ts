import { SERVING as ANNOTATION } from '../../apis/annotations/serving.ts';
import { type Condition, conditionOf, isTrue, READY } from '../../apis/condition.ts';
import { errorMessage, type FieldError } from '../../apis/fieldError.ts';
import { RUN, SERVING } from '../../apis/labels.ts';
import { revisionName } from '../../apis/names.ts';
import { CONFIGURATION_REASONS as REASONS } from '../../apis/serving/configuration/conditions.ts';
import { isReady } from '../../apis/serving/revision/conditions.ts';
import { defaultRevisionSpec } from '../../apis/serving/revision/defaults.ts';
import { REVISIONS, type Revision, type RevisionTemplate } from '../../apis/serving/revision/types.ts';
import type { Config } from '../../config.ts';
import { deepEqual, isSubset, withoutEmpty } from '../../kube/json.ts';
import { controllerReference, isControlledBy, isOfEarlier } from '../../kube/owner.ts';
import { isApplied, type Plan, REFUSED, removalOf } from '../../kube/plan.ts';
import type { KubeObject } from '../../kube/types.ts';
import { inherited } from '../inherit.ts';
import { generationOf } from './generation.ts';
import { expiredRevisions } from './history.ts';

/** What makes revisions of a template: a configuration or a worker pool. */
export interface TemplateOwner {
  object: KubeObject & { status?: TemplateStatus };
  template: RevisionTemplate;
  /** Number of the revision that the template makes if it makes one now; part of its name. */
  number: number;
  /** Labels that lead from a revision to its owner. */
  links: Record<string, string>;
  /** Whether one container of its instances takes requests. */
  ingress: boolean;
}

/** What an owner's status reports of its revisions. */
export interface TemplateStatus {
  observedGeneration?: number;
  conditions?: Condition[];
  latestCreatedRevisionName?: string;
  latestReadyRevisionName?: string;
}

export interface TemplateInput {
  owner: TemplateOwner;
  /** The revisions made for this owner. */
  revisions: Revision[];
  /** The revision that has the name which the template asks for, whatever made it. */
  named?: Revision;
  /** Names of the revisions that are in use or are to be used. */
  used: ReadonlySet<string>;
  /** What is wrong with the template, asked when it would make a revision: it may have passed no webhook. */
  validate?: () => FieldError[];
}

export interface TemplatePlan extends Pick<Plan, 'apply' | 'remove' | 'events'> {
  /** The revision that the template stands for now; undefined when it is rejected, or its name is taken. */
  latest?: Revision;
  names: Pick<TemplateStatus, 'latestCreatedRevisionName' | 'latestReadyRevisionName'>;
  /** Whether the latest revision is ready, with its own reason. */
  ready: Condition;
}

/**
 * One revision for each state of the template, and the end of those that are not needed. The revision's name follows
 * from the owner's UID and the number, so that a reconciler which is started again makes the same one and not a second.
 * A template that breaks the contract makes none, and the status lists everything that is wrong with it.
 */
export function planTemplate(
  input: TemplateInput,
  limits: Config['revisionHistory'],
  now: number,
): TemplatePlan {
  const { owner, revisions, named } = input;
  const { status } = owner.object;
  const desired = desiredRevision(owner);
  const existing =
    revisions.find((revision) => generationOf(revision) === owner.number) ??
    observed(input) ??
    reusable(named, desired) ??
    unchanged(input, desired);
  const invalid = existing ? undefined : invalidTemplate(input);
  const isTaken = !existing && named && !isOfEarlier(named, controllerReference(owner.object));
  const rejected = invalid ?? (isTaken ? nameTaken(desired) : undefined);
  const latest = existing ?? desired;
  const names = {
    latestCreatedRevisionName: rejected ? status?.latestCreatedRevisionName : latest.metadata.name,
    latestReadyRevisionName: latestReady(revisions, latest, status),
  };
  const made = existing || rejected ? [] : [desired];
  return {
    latest: rejected ? undefined : latest,
    names,
    ready: rejected ?? readyCondition(latest, owner.ingress),
    apply: made,
    remove: removals(input, names, limits, now),
    events: [...made.map(created), ...warnings(invalid)],
  };
}

function removals(
  { revisions, used }: TemplateInput,
  { latestCreatedRevisionName = '', latestReadyRevisionName = '' }: TemplatePlan['names'],
  limits: Config['revisionHistory'],
  now: number,
): Plan['remove'] {
  const referenced = new Set([...used, latestCreatedRevisionName, latestReadyRevisionName]);
  const expired = expiredRevisions({ revisions, referenced }, limits, now);
  return expired.map((revision) => removalOf(REVISIONS, revision));
}

/** The revision that a template stamps out, its defaults filled in for good. */
export function desiredRevision({ object, template, number, links, ingress }: TemplateOwner): Revision {
  const { name, namespace, uid } = object.metadata;
  const { metadata = {}, spec } = template;
  const annotations = inherited(metadata.annotations);
  return {
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Revision',
    metadata: {
      name: metadata.name || revisionName({ name, uid, generation: number }),
      namespace,
      labels: {
        ...unlinked(inherited(metadata.labels), ingress),
        [SERVING.configurationGeneration]: String(number),
        ...links,
      },
      annotations: { ...annotations, ...deployedBy(object) },
      ownerReferences: [controllerReference(object)],
    },
    spec: defaultRevisionSpec(spec, { annotations, name, ingress }),
  } as Revision;
}

const SERVICE_LINKS: ReadonlySet<string> = new Set([
  SERVING.service,
  SERVING.serviceUID,
  SERVING.configuration,
  SERVING.configurationUID,
]);

/** Labels without those by which the other kind of owner finds its revisions. */
function unlinked(labels: Record<string, string>, ingress: boolean): Record<string, string> {
  const isForeign = (key: string) => (ingress ? key === RUN.workerPool : SERVICE_LINKS.has(key));
  return Object.fromEntries(Object.entries(labels).filter(([key]) => !isForeign(key)));
}

/** The user who changed the template made the revision (gcloud: DEPLOYED BY). */
function deployedBy({ metadata }: KubeObject): Record<string, string> {
  const user = metadata.annotations?.[ANNOTATION.lastModifier];
  return user === undefined ? {} : { [ANNOTATION.creator]: user };
}

/** The newest revision that has been ready; the one in use is only given up for a newer one. */
function latestReady(
  revisions: Revision[],
  latest: Revision,
  status: TemplateStatus | undefined,
): string | undefined {
  if (isReady(latest)) return latest.metadata.name;
  const present = revisions.find(({ metadata }) => metadata.name === status?.latestReadyRevisionName);
  const since = present ? generationOf(present) : 0;
  const newer = revisions
    .filter((revision) => isReady(revision) && generationOf(revision) > since)
    .sort((a, b) => generationOf(b) - generationOf(a));
  return (newer[0] ?? present)?.metadata.name;
}

function readyCondition(revision: Revision, ingress: boolean): Condition {
  const ready = conditionOf(revision.status?.conditions, READY);
  const name = revision.metadata.name;
  if (isTrue(ready)) return { type: READY, status: 'True' };
  if (ready?.status === 'False') {
    const state = `Revision '${name}' is not ready${ingress ? ' and cannot serve traffic' : ''}.`;
    const message = `${state} ${ready.message ?? ''}`.trimEnd();
    return { type: READY, status: 'False', reason: REASONS.revisionFailed, message };
  }
  const message = ready?.message ?? `Revision '${name}' is being created.`;
  return { type: READY, status: 'Unknown', reason: ready?.reason ?? REASONS.deploying, message };
}

function invalidTemplate({ validate }: TemplateInput): Condition | undefined {
  const grave = validate?.().filter(({ strict }) => !strict) ?? [];
  if (grave.length === 0) return undefined;
  return { type: READY, status: 'False', reason: REASONS.invalidArgument, message: errorMessage(grave) };
}

function nameTaken(wanted: Revision): Condition {
  const message =
    `Revision named '${wanted.metadata.name}' with different configuration already exists. ` +
    'Give spec.template.metadata.name another value, or leave it out to have one made.';
  return { type: READY, status: 'False', reason: REASONS.alreadyExists, message };
}

/**
 * The revision that the status names for this very generation: a controller that has other defaults than the one
 * that wrote it, after an upgrade, makes no second one.
 */
function observed({ owner: { object }, revisions }: TemplateInput): Revision | undefined {
  const { metadata, status } = object;
  if (status?.observedGeneration === undefined || status.observedGeneration !== metadata.generation) {
    return undefined;
  }
  // It names what could not be made then, and what has that name is of another generation.
  const failed: unknown[] = [REASONS.alreadyExists, REFUSED];
  if (status.conditions?.some(({ reason }) => failed.includes(reason))) return undefined;
  return revisions.find(({ metadata: { name } }) => name === status.latestCreatedRevisionName);
}

/** A template that comes back to what its named revision already holds (a revert in git) needs no new one. */
function reusable(named: Revision | undefined, desired: Revision): Revision | undefined {
  const owner = desired.metadata.ownerReferences?.[0];
  if (!named || !owner || !isControlledBy(named, owner.uid)) return undefined;
  return isSubset(desired.spec, named.spec) ? named : undefined;
}

/**
 * The latest revision, when a new generation asks for the same again: a client that leaves out or spells out a
 * default, or sets a number of instances, changes the owner, but not what runs. Nor do empty maps and lists that come or go,
 * with the client or with a release that passes templates on in another way.
 */
function unchanged({ owner, revisions }: TemplateInput, desired: Revision): Revision | undefined {
  const [latest] = revisions.toSorted((a, b) => generationOf(b) - generationOf(a));
  // A new name asks for a new revision, whatever it holds.
  if (!latest || owner.template.metadata?.name) return undefined;
  const { name, labels = {} } = latest.metadata;
  const generation = labels[SERVING.configurationGeneration] ?? '';
  const { [ANNOTATION.creator]: _, ...annotations } = desired.metadata.annotations ?? {};
  const creator = latest.metadata.annotations?.[ANNOTATION.creator];
  const again = {
    ...desired,
    metadata: {
      ...desired.metadata,
      name,
      annotations: { ...annotations, ...(creator === undefined ? {} : { [ANNOTATION.creator]: creator }) },
      labels: { ...desired.metadata.labels, [SERVING.configurationGeneration]: generation },
    },
  };
  if (isApplied(again, latest)) return latest;
  if (!deepEqual(withoutEmpty(desired.spec), withoutEmpty(latest.spec))) return undefined;
  const stored = { ...again, spec: latest.spec };
  return isApplied(stored, latest) ? latest : undefined;
}

/** A template that was rejected; reported when the status comes to say so. */
function warnings(invalid: Condition | undefined): Plan['events'] {
  if (!invalid) return [];
  const { reason = '', message = '' } = invalid;
  return [{ type: 'Warning', reason, message }];
}

function created(revision: Revision): Plan['events'][number] {
  return { type: 'Normal', reason: 'Created', message: `Created Revision '${revision.metadata.name}'.` };
}
