import { SERVING as ANNOTATION } from '../../apis/annotations.ts';
import { type Condition, conditionOf, isTrue, mergeConditions, READY } from '../../apis/condition.ts';
import { toldFaults } from '../../apis/fault.ts';
import { SERVING } from '../../apis/labels.ts';
import { revisionName } from '../../apis/names.ts';
import { CONFIGURATION_REASONS as REASONS } from '../../apis/serving/configuration/conditions.ts';
import type { Configuration } from '../../apis/serving/configuration/types.ts';
import { validateConfiguration } from '../../apis/serving/configuration/validation.ts';
import { defaultRevisionSpec } from '../../apis/serving/revision/defaults.ts';
import { REVISIONS, type Revision } from '../../apis/serving/revision/types.ts';
import type { Config } from '../../config.ts';
import { isSubset } from '../../kube/json.ts';
import { controllerReference, isControlledBy } from '../../kube/owner.ts';
import { isApplied, type Plan } from '../../kube/plan.ts';
import { inherited } from '../inherit.ts';
import { generationOf } from './generation.ts';
import { expiredRevisions } from './history.ts';

export interface ConfigurationInput {
  configuration: Configuration;
  /** The revisions made from this configuration. */
  revisions: Revision[];
  /** The revision that has the name which the template asks for, whoever made it. */
  named?: Revision;
  /** Names of the revisions that some route serves or is to serve. */
  routed: ReadonlySet<string>;
}

/**
 * One revision for each generation of the template. The revision's name follows from the configuration's UID
 * and generation, so that a reconciler which is started again makes the same one and not a second. A template that
 * breaks the contract makes none and says everything that is wrong with it: it came in while nobody guarded the door.
 */
export function planConfiguration(
  input: ConfigurationInput,
  config: Pick<Config, 'revisionHistory'>,
  now: number,
): Plan<Configuration> {
  const { configuration, revisions, named } = input;
  const desired = desiredRevision(configuration);
  const generation = configuration.metadata.generation;
  const existing =
    revisions.find((revision) => generationOf(revision) === generation) ??
    reusable(named, desired) ??
    unchanged(input, desired);
  const taken = !existing && named !== undefined;
  const invalid = existing ? undefined : invalidTemplate(configuration);
  const refused = invalid ?? (taken ? nameTaken(desired) : undefined);
  const latest = existing ?? desired;
  const status = {
    observedGeneration: generation,
    conditions: mergeConditions(configuration.status?.conditions, [refused ?? readyCondition(latest)], now),
    latestCreatedRevisionName: refused
      ? configuration.status?.latestCreatedRevisionName
      : latest.metadata.name,
    latestReadyRevisionName: latestReady(revisions, latest, configuration),
  };
  return {
    apply: existing || refused ? [] : [desired],
    remove: removals(input, status, config.revisionHistory, now),
    status: { ...configuration, status },
    events: existing || refused ? warnings(invalid) : [created(desired)],
  };
}

function removals(
  { revisions, routed }: ConfigurationInput,
  { latestCreatedRevisionName = '', latestReadyRevisionName = '' }: NonNullable<Configuration['status']>,
  limits: Config['revisionHistory'],
  now: number,
): Plan['remove'] {
  const referenced = new Set([...routed, latestCreatedRevisionName, latestReadyRevisionName]);
  return expiredRevisions({ revisions, referenced }, limits, now).map(({ metadata }) => ({
    type: REVISIONS,
    ref: metadata,
    uid: metadata.uid,
  }));
}

/** The revision that a configuration stamps out, its defaults filled in for good. */
export function desiredRevision(configuration: Configuration): Revision {
  const { name, namespace, labels = {}, generation = 1 } = configuration.metadata;
  const { metadata = {}, spec } = configuration.spec.template;
  const annotations = inherited(metadata.annotations);
  return {
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Revision',
    metadata: {
      name: metadata.name || revisionName(configuration.metadata),
      namespace,
      labels: {
        ...inherited(metadata.labels),
        [SERVING.configuration]: name,
        [SERVING.configurationGeneration]: String(generation),
        [SERVING.configurationUID]: configuration.metadata.uid ?? '',
        ...(labels[SERVING.service] ? { [SERVING.service]: labels[SERVING.service] } : {}),
        ...(labels[SERVING.serviceUID] ? { [SERVING.serviceUID]: labels[SERVING.serviceUID] } : {}),
      },
      annotations: { ...annotations, ...deployedBy(configuration) },
      ownerReferences: [controllerReference(configuration)],
    },
    spec: defaultRevisionSpec(spec, { annotations, name }),
  } as Revision;
}

/** Whoever changed the template made the revision (gcloud: DEPLOYED BY). */
function deployedBy({ metadata }: Configuration): Record<string, string> {
  const user = metadata.annotations?.[ANNOTATION.lastModifier];
  return user === undefined ? {} : { [ANNOTATION.creator]: user };
}

/** The newest revision that has been ready; the one in use is only given up for a newer one. */
function latestReady(
  revisions: Revision[],
  latest: Revision,
  configuration: Configuration,
): string | undefined {
  if (isReady(latest)) return latest.metadata.name;
  const present = revisions.find(
    ({ metadata }) => metadata.name === configuration.status?.latestReadyRevisionName,
  );
  const since = present ? generationOf(present) : 0;
  const newer = revisions
    .filter((revision) => isReady(revision) && generationOf(revision) > since)
    .sort((a, b) => generationOf(b) - generationOf(a));
  return (newer[0] ?? present)?.metadata.name;
}

function isReady(revision: Revision): boolean {
  return isTrue(conditionOf(revision.status?.conditions, READY));
}

function readyCondition(revision: Revision): Condition {
  const ready = conditionOf(revision.status?.conditions, READY);
  const name = revision.metadata.name;
  if (isTrue(ready)) return { type: READY, status: 'True' };
  if (ready?.status === 'False') {
    const message =
      `Revision '${name}' is not ready and cannot serve traffic. ${ready.message ?? ''}`.trimEnd();
    return { type: READY, status: 'False', reason: REASONS.revisionFailed, message };
  }
  const message = ready?.message ?? `Revision '${name}' is being created.`;
  return { type: READY, status: 'Unknown', reason: ready?.reason ?? REASONS.deploying, message };
}

function invalidTemplate(configuration: Configuration): Condition | undefined {
  const faults = validateConfiguration(configuration).filter(({ strict }) => !strict);
  if (faults.length === 0) return undefined;
  return { type: READY, status: 'False', reason: REASONS.invalidArgument, message: toldFaults(faults) };
}

function nameTaken(wanted: Revision): Condition {
  const message =
    `Revision named '${wanted.metadata.name}' with different configuration already exists. ` +
    'Give spec.template.metadata.name another value, or leave it out to have one made.';
  return { type: READY, status: 'False', reason: REASONS.alreadyExists, message };
}

/** A template that comes back to what its named revision already holds (a revert in git) needs no new one. */
function reusable(named: Revision | undefined, desired: Revision): Revision | undefined {
  const owner = desired.metadata.ownerReferences?.[0];
  if (!named || !owner || !isControlledBy(named, owner.uid)) return undefined;
  return isSubset(desired.spec, named.spec) ? named : undefined;
}

/**
 * The latest revision, when a new generation asks for the same again: a client that leaves out or spells out a
 * default changes the configuration, but not what runs.
 */
function unchanged(
  { configuration, revisions }: ConfigurationInput,
  desired: Revision,
): Revision | undefined {
  const [latest] = revisions.toSorted((a, b) => generationOf(b) - generationOf(a));
  // A new name asks for a new revision, whatever it holds.
  if (!latest || configuration.spec.template.metadata?.name) return undefined;
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
  return isApplied(again, latest) ? latest : undefined;
}

/** A configuration that was refused; told when its status comes to say so. */
function warnings(invalid: Condition | undefined): Plan['events'] {
  if (!invalid) return [];
  const { reason = '', message = '' } = invalid;
  return [{ type: 'Warning', reason, message }];
}

function created(revision: Revision): Plan['events'][number] {
  return { type: 'Normal', reason: 'Created', message: `Created Revision '${revision.metadata.name}'.` };
}
