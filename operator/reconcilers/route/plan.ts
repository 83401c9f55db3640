import {
  type Condition,
  conditionOf,
  isTrue,
  mergeConditions,
  READY,
  readyOf,
} from '../../apis/condition.ts';
import { SERVING } from '../../apis/labels.ts';
import type { Configuration } from '../../apis/serving/configuration/types.ts';
import type { Revision } from '../../apis/serving/revision/types.ts';
import { ROUTE_REASONS as REASONS, ROUTE_CONDITIONS as TYPES } from '../../apis/serving/route/conditions.ts';
import type { Route } from '../../apis/serving/route/types.ts';
import { hasOutsideName } from '../../apis/serving/route/visibility.ts';
import type { Service } from '../../apis/serving/service/types.ts';
import type { RouteTarget } from '../../apis/serving/traffic/types.ts';
import { addressOf, urlOf } from '../../apis/url.ts';
import type { CoreService } from '../../kube/core.ts';
import { controllerReference, isControlledBy, isOfEarlier } from '../../kube/owner.ts';
import type { Plan } from '../../kube/plan.ts';
import { timestamp } from '../../kube/time.ts';
import type { KubeObject } from '../../kube/types.ts';
import type { RoleConfig } from '../../roles.ts';
import { passingMs } from '../readiness.ts';
import { type RejectionInput, withRejection } from '../rejection.ts';
import { desiredAlias } from './alias.ts';
import { OWN, type TakenHost } from './hosts.ts';
import type { Rollout } from './rollout.ts';
import { type Resolved, trafficOf } from './traffic.ts';

export interface RouteInput {
  route: Route;
  /** Configurations and revisions that the route's targets name, by name; those that exist. */
  configurations: ReadonlyMap<string, Configuration>;
  revisions: ReadonlyMap<string, Revision>;
  /** The service that the route belongs to, if there is one. */
  service?: Service;
  /** The core Service that has the route's name, whatever made it. */
  alias?: CoreService;
  /** Hosts that other routes and domain mappings have, by tag. */
  taken?: ReadonlyMap<string, TakenHost>;
}

type TargetProblem = Pick<Condition, 'reason' | 'message'> & { status: 'False' | 'Unknown' };

/**
 * What a route serves. Traffic moves as a whole: while one target cannot take its share, everything stays
 * where it was, so that a failing revision never sees a request and the one before it goes on serving. To a new latest
 * revision it moves gradually where that is asked for; Ready is Unknown for as long (Knative API, Route conditions).
 */
export function planRoute(
  input: RouteInput,
  namespace: string,
  config: RoleConfig<'controller'>,
  now: number,
): Plan<Route> {
  const { route } = input;
  const foreign = holderOfName(input);
  const targets = (route.spec.traffic ?? []).map((target) => resolve(target, input));
  const problem = targets.flatMap((each) => ('problem' in each ? [each.problem] : []))[0];
  const assigned: Condition = problem
    ? { type: TYPES.allTrafficAssigned, ...problem }
    : { type: TYPES.allTrafficAssigned, status: 'True' };
  const { taken = NONE } = input;
  const resolved = targets.flatMap((each) => ('problem' in each ? [] : [each]));
  const traffic = problem || taken.has(OWN) ? undefined : trafficOf(resolved, input, config, now);
  const conditions = [assigned, reachability(route, foreign, taken, traffic?.rollouts)];
  const status = {
    observedGeneration: route.metadata.generation,
    conditions: mergeConditions(route.status?.conditions, [...conditions, readyOf(conditions)], now),
    url: hasOutsideName(route) ? urlOf(config, route.metadata) : addressOf(config, route.metadata),
    address: { url: addressOf(config, route.metadata) },
    traffic: traffic
      ? traffic.entries.map((each) => addressed(each, route, config, taken))
      : route.status?.traffic,
    annotations: (traffic ?? route.status)?.annotations,
  };
  return {
    apply: foreign ? [] : [desiredAlias(route, namespace, config, input.alias)],
    remove: [],
    status: { ...route, status },
    statusWaitMs: traffic?.nextAt === undefined ? passingMs(route.status, status) : undefined,
    events: [],
    requeueAfterMs: traffic?.nextAt === undefined ? undefined : traffic.nextAt - now,
  };
}

/** The status of a route while the cluster rejects its name inside the cluster: traffic from outside is served all the same. */
export function rejectedRoute(input: RejectionInput): KubeObject {
  return withRejection(input, [TYPES.ingressReady, READY]);
}

type Unresolved = { problem: TargetProblem };

function resolve(target: RouteTarget, input: RouteInput): Resolved | Unresolved {
  if (target.revisionName) return checked(target, target.revisionName, input);
  const name = target.configurationName ?? '';
  const configuration = input.configurations.get(name);
  if (!configuration || isOfEarlierService(configuration, input.route)) {
    // The service makes both, and the route may be seen first.
    if (input.service?.metadata.name === name) {
      const message = `Configuration '${name}' referenced in traffic is being created.`;
      return { problem: { status: 'Unknown', reason: REASONS.configurationMissing, message } };
    }
    const message = `Configuration '${name}' referenced in traffic not found.`;
    return { problem: { status: 'False', reason: REASONS.configurationMissing, message } };
  }
  const { latestReadyRevisionName, conditions } = configuration.status ?? {};
  if (latestReadyRevisionName) return { target, revisionName: latestReadyRevisionName };
  const ready = conditionOf(conditions, READY);
  if (ready?.status === 'False') {
    const message =
      `Configuration '${name}' has no revision that can serve. ${ready.message ?? ''}`.trimEnd();
    return { problem: { status: 'False', reason: REASONS.revisionMissing, message } };
  }
  const message = `Configuration '${name}' is waiting for a Revision to become ready.`;
  return { problem: { status: 'Unknown', reason: REASONS.revisionMissing, message } };
}

function checked(
  target: RouteTarget,
  name: string,
  { revisions, route, service }: RouteInput,
): Resolved | Unresolved {
  const revision = revisions.get(name);
  if (!revision || isOfEarlierService(revision, route)) {
    // gcloud names the revision that it deploys with --tag, and gives up at the first False.
    if (service?.spec.template.metadata?.name === name) {
      const message = `Revision '${name}' referenced in traffic is being created.`;
      return { problem: { status: 'Unknown', reason: REASONS.revisionMissing, message } };
    }
    const message = `Revision '${name}' referenced in traffic not found. Traffic stays where it was.${listing(route.metadata)}`;
    return { problem: { status: 'False', reason: REASONS.revisionMissing, message } };
  }
  const ready = conditionOf(revision.status?.conditions, READY);
  if (isTrue(ready)) return { target, revisionName: name };
  const message = `Revision '${name}' referenced in traffic is not ready. ${ready?.message ?? ''}`.trimEnd();
  const status = ready?.status === 'False' ? 'False' : 'Unknown';
  return { problem: { status, reason: REASONS.revisionNotReady, message } };
}

/** Whether the object is of an earlier service of the name that the route's has: it goes, if it has not gone. */
export function isOfEarlierService(object: KubeObject, { metadata }: Route): boolean {
  const { [SERVING.service]: name, [SERVING.serviceUID]: uid } = object.metadata.labels ?? {};
  const isSameName = name === metadata.labels?.[SERVING.service];
  return isSameName && uid !== undefined && uid !== metadata.labels?.[SERVING.serviceUID];
}

/** How to see which revisions there are. */
function listing({ namespace, labels }: Route['metadata']): string {
  const service = labels?.[SERVING.service];
  if (service === undefined) return '';
  return ` List existing ones with: kubectl get revisions --namespace ${namespace} --selector ${SERVING.service}=${service}`;
}

/** An entry of the status with the URL of its tag, unless the tag's host belongs to another route. */
function addressed(
  { tag, ...entry }: RouteTarget,
  route: Route,
  config: RoleConfig<'controller'>,
  taken: ReadonlyMap<string, TakenHost>,
) {
  if (!tag || taken.has(tag)) return entry;
  const url = hasOutsideName(route) ? { url: urlOf(config, route.metadata, tag) } : {};
  return { ...entry, tag, ...url };
}

const NONE: ReadonlyMap<string, TakenHost> = new Map();

/** Whether requests for the route's names reach it. */
function reachability(
  route: Route,
  foreign: NameHolder | undefined,
  taken: ReadonlyMap<string, TakenHost>,
  rollouts: readonly Rollout[] = [],
): Condition {
  const type = TYPES.ingressReady;
  if (foreign) return { type, reason: REASONS.notOwned, ...nameTaken(route, foreign) };
  const [first] = taken.values();
  if (!first) return rolledOut(type, rollouts);
  const message =
    `Host '${first.host}' belongs to ${first.by}, which had it before. ` +
    'Requests for it go there as long as that exists and has it; choose another name or tag.';
  return { type, status: 'False', reason: REASONS.hostTaken, message };
}

/** (Knative API, Route conditions) */
function rolledOut(type: string, rollouts: readonly Rollout[]): Condition {
  if (rollouts.length === 0) return { type, status: 'True' };
  const end = timestamp(Math.max(...rollouts.map(({ endsAt }) => endsAt)));
  const message = `A gradual rollout of the latest revision(s) is in progress until ${end}.`;
  return { type, status: 'Unknown', reason: REASONS.rolloutInProgress, message };
}

/** Whose the core Service is that has the route's name: it is in the way until it goes. */
type NameHolder = 'earlier route' | 'other';

function holderOfName({ alias, route }: RouteInput): NameHolder | undefined {
  if (!alias || isControlledBy(alias, route.metadata.uid ?? '')) return undefined;
  return isOfEarlier(alias, controllerReference(route)) ? 'earlier route' : 'other';
}

function nameTaken({ metadata: { name } }: Route, holder: NameHolder): Pick<Condition, 'status' | 'message'> {
  if (holder === 'earlier route') {
    return { status: 'Unknown', message: `Core Service '${name}' of an earlier route is being deleted.` };
  }
  const message =
    `A core Service named '${name}' exists that this route did not create. ` +
    'Delete it, or give the service another name: the name is needed for the address inside the cluster.';
  return { status: 'False', message };
}
