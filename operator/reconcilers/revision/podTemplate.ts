import { BOOKKEEPING } from '../../apis/annotations/bookkeeping.ts';
import type { Deployment } from '../../kube/core.ts';
import { contentHash, isSubset } from '../../kube/json.ts';
import { isApplied, type PlannedEvent } from '../../kube/plan.ts';

// What runs keeps the pod template that it has (docs/adr/0008): a change of it replaces every instance, and
// neither a chart value nor a release nor an annotation on a revision is a reason for that.

/** On a Deployment: hash of its pod template as it was rendered for it. What the server adds does not count. */
export const TEMPLATE_HASH = BOOKKEEPING.templateHash;

/**
 * How the instances of a Deployment stand to the pod template that is rendered now: `outdated` ones have another,
 * `replacing` ones are between two, `starting` ones have it and are not all ready, and `complete` ones have
 * it and are ready. Without instances a Deployment is complete.
 */
export type TemplateState = 'outdated' | 'replacing' | 'starting' | 'complete';

/** A Deployment with the hash of its pod template, from which it follows later whether the same is still rendered. */
export function withTemplateHash(desired: Deployment): Deployment {
  const annotations = {
    ...desired.metadata.annotations,
    [TEMPLATE_HASH]: contentHash(desired.spec?.template),
  };
  return { ...desired, metadata: { ...desired.metadata, annotations } };
}

/** See {@link TemplateState}. */
export function templateState(desired: Deployment, live: Deployment | undefined): TemplateState {
  if (!live?.spec?.replicas) return 'complete';
  if (isReplacing(live)) return 'replacing';
  if (!hasTemplate(desired, live)) return 'outdated';
  const { observedGeneration = 0, readyReplicas = 0 } = live.status ?? {};
  const isSeen = observedGeneration >= (live.metadata.generation ?? 0);
  return isSeen && readyReplicas >= live.spec.replicas ? 'complete' : 'starting';
}

/** Whether there are instances of two pod templates: those of the older one go, whatever began it. */
export function isReplacing({ status }: Deployment): boolean {
  return (status?.updatedReplicas ?? 0) < (status?.replicas ?? 0);
}

/**
 * What is to be applied for a Deployment with the hash of its template; undefined where nothing is.
 *
 * A template that is rendered otherwise now waits until there are no instances, or until they may be replaced (`mayRollOut`).
 * Where they are being replaced anyway, a person has restarted them or changed the template by hand, and the new one
 * costs nothing more. As long as the template is the one that is rendered, what others change in it is undone at once.
 */
export function applicable(
  desired: Deployment,
  live: Deployment | undefined,
  mayRollOut: boolean,
): Deployment[] {
  if (!live || hasTemplate(desired, live)) return [desired];
  // An instance may be on its way that this process has not seen.
  if (!live.spec?.replicas) return [asSeen(desired, live)];
  if (mayRollOut || isReplacing(live)) return [desired];
  const kept = withTemplateOf(desired, live);
  return isSubset(kept, live) ? [] : [asSeen(kept, live)];
}

/** The Event when a revision's running instances begin to be replaced. */
export function rollOutEvents(
  revision: string,
  state: TemplateState | undefined,
  mayRollOut: boolean,
): PlannedEvent[] {
  if (state !== 'outdated' || !mayRollOut) return [];
  const message = `The instances of revision '${revision}' are being replaced to use the current pod template.`;
  return [{ type: 'Normal', reason: 'InstancesReplaced', message }];
}

/** Whether `live` has the template of `desired`, as it was rendered; releases before this hash wrote one of the whole. */
function hasTemplate(desired: Deployment, live: Deployment): boolean {
  const known = live.metadata.annotations?.[TEMPLATE_HASH];
  if (known !== undefined) return known === desired.metadata.annotations?.[TEMPLATE_HASH];
  const { annotations: _, ...metadata } = desired.metadata;
  return isApplied({ ...desired, metadata }, live);
}

/** All but the template as it is wanted. */
function withTemplateOf(desired: Deployment, { metadata, spec }: Deployment): Deployment {
  const { [TEMPLATE_HASH]: known } = metadata.annotations ?? {};
  const { [TEMPLATE_HASH]: _, ...others } = desired.metadata.annotations ?? {};
  const annotations = known === undefined ? others : { ...others, [TEMPLATE_HASH]: known };
  return {
    ...desired,
    metadata: { ...desired.metadata, annotations },
    spec: { ...desired.spec, template: spec?.template },
  } as Deployment;
}

function asSeen(desired: Deployment, { metadata: { resourceVersion } }: Deployment): Deployment {
  return { ...desired, metadata: { ...desired.metadata, resourceVersion } };
}
