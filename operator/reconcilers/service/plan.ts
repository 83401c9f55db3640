import {
  type Condition,
  conditionOf,
  isFalse,
  mergeConditions,
  READY,
  readyOf,
} from '../../apis/condition.ts';
import { errorMessage } from '../../apis/fieldError.ts';
import { SERVING } from '../../apis/labels.ts';
import type { Configuration } from '../../apis/serving/configuration/types.ts';
import { ROUTE_REASONS } from '../../apis/serving/route/conditions.ts';
import type { Route } from '../../apis/serving/route/types.ts';
import {
  SERVICE_REASONS as REASONS,
  SERVICE_CONDITIONS as TYPES,
} from '../../apis/serving/service/conditions.ts';
import type { Service } from '../../apis/serving/service/types.ts';
import { validateService } from '../../apis/serving/service/validation.ts';
import { controllerReference, isControlledBy, isOfEarlier } from '../../kube/owner.ts';
import { isApplied, type Plan } from '../../kube/plan.ts';
import type { KubeObject } from '../../kube/types.ts';
import { inherited } from '../inherit.ts';
import { partition, passingMs, portability, readyEvents } from '../readiness.ts';
import { pending, type RejectionInput, withRejection } from '../rejection.ts';

export interface ServiceInput {
  service: Service;
  configuration?: Configuration;
  route?: Route;
}

/**
 * A service is a configuration and a route of its name; its status says what theirs say. A service that breaks
 * the contract changes nothing that runs, and its status lists everything that is wrong with it.
 */
export function planService(input: ServiceInput, now: number): Plan<Service> {
  const { service } = input;
  const [foreign, errors] = partition(validateService(service));
  if (errors.length > 0) {
    const message = errorMessage(errors);
    return unchanged(input, { reason: REASONS.invalidArgument, message }, now);
  }
  const unowned = [input.configuration, input.route].find(
    (child) =>
      child &&
      !isControlledBy(child, service.metadata.uid ?? '') &&
      !isOfEarlier(child, controllerReference(service)),
  );
  if (unowned) {
    const message = `${unowned.kind} '${unowned.metadata.name}' exists and does not belong to this service. Delete it, or choose another name.`;
    return unchanged(input, { reason: REASONS.notOwned, message }, now);
  }
  const configuration = desiredConfiguration(service);
  const route = desiredRoute(service);
  const configurationsReady = mirrored(TYPES.configurationsReady, configuration, input.configuration);
  const conditions = [configurationsReady, routesReady(route, input, configurationsReady)];
  const status = statusOf(input, [...conditions, readyOf(conditions), ...portability(foreign)], now);
  return {
    apply: [configuration, route],
    remove: [],
    status: { ...service, status },
    statusWaitMs: passingMs(service.status, status),
    events: readyEvents(service, conditions),
  };
}

/** The status of a service while the cluster rejects its configuration or its route. */
export function rejectedService(input: RejectionInput): KubeObject {
  const open = pending(input.planned, [TYPES.configurationsReady, TYPES.routesReady]);
  return withRejection(input, [...open, READY]);
}

export function desiredConfiguration(service: Service): Configuration {
  return {
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Configuration',
    metadata: childMetadata(service),
    spec: { template: service.spec.template },
  } as Configuration;
}

/** The route of a service; what goes to the latest revision goes by way of the service's configuration. */
export function desiredRoute(service: Service): Route {
  const { name } = service.metadata;
  const traffic = service.spec.traffic?.length
    ? service.spec.traffic
    : [{ latestRevision: true, percent: 100 }];
  return {
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Route',
    metadata: childMetadata(service),
    spec: {
      traffic: traffic.map((target) =>
        target.revisionName
          ? { ...target, latestRevision: false }
          : { ...target, latestRevision: true, configurationName: name },
      ),
    },
  } as Route;
}

function childMetadata(service: Service): KubeObject['metadata'] {
  const { name, namespace, uid = '', labels, annotations } = service.metadata;
  return {
    name,
    namespace,
    labels: { ...inherited(labels), [SERVING.service]: name, [SERVING.serviceUID]: uid },
    annotations: inherited(annotations),
    ownerReferences: [controllerReference(service)],
  };
}

/** A child's Ready, once it speaks of what is wanted now and not of what was. */
function mirrored<T extends Configuration | Route>(type: string, desired: T, live: T | undefined): Condition {
  const current =
    live !== undefined &&
    isApplied(desired, live) &&
    live.status?.observedGeneration === live.metadata.generation;
  const ready = conditionOf(live?.status?.conditions, READY);
  if (!current || !ready) return outOfDate(type, desired);
  const { status, reason, message } = ready;
  return status === 'True' ? { type, status } : { type, status, reason, message };
}

function outOfDate(type: string, { kind }: KubeObject): Condition {
  return { type, status: 'Unknown', reason: REASONS.outOfDate, message: `${kind} is being reconciled.` };
}

/** The route has not arrived while it still sends the latest revision's share to an older one. */
function routesReady(
  desired: Route,
  { configuration, route }: ServiceInput,
  configurationsReady: Condition,
): Condition {
  const condition = mirrored(TYPES.routesReady, desired, route);
  // Where all traffic follows the configuration, the route fails only with it: it has not heard yet that there is another
  // template, or a revision that can serve.
  const follows = desired.spec.traffic?.every(({ revisionName }) => !revisionName);
  const isBehind = condition.reason === ROUTE_REASONS.revisionMissing && !isFalse(configurationsReady);
  if (isFalse(condition) && follows && isBehind) return outOfDate(TYPES.routesReady, desired);
  if (condition.status !== 'True') return condition;
  const latest = configuration?.status?.latestReadyRevisionName;
  const behind = route?.status?.traffic?.some(
    (target) => target.latestRevision && target.revisionName !== latest,
  );
  if (!behind) return condition;
  const message = `Traffic is moving to revision '${latest}'.`;
  return { type: TYPES.routesReady, status: 'Unknown', reason: REASONS.trafficNotMigrated, message };
}

function statusOf(input: ServiceInput, conditions: Condition[], now: number): NonNullable<Service['status']> {
  const { service, configuration, route } = input;
  const { latestCreatedRevisionName, latestReadyRevisionName } = configuration?.status ?? {};
  const { url, address, traffic } = route?.status ?? {};
  return {
    observedGeneration: service.metadata.generation,
    conditions: mergeConditions(service.status?.conditions, conditions, now),
    latestCreatedRevisionName,
    latestReadyRevisionName,
    url,
    address,
    traffic,
  };
}

function unchanged(
  input: ServiceInput,
  why: { reason: string; message: string },
  now: number,
): Plan<Service> {
  const conditions: Condition[] = [TYPES.configurationsReady, TYPES.routesReady, READY].map((type) => ({
    type,
    status: 'False',
    ...why,
  }));
  return {
    apply: [],
    remove: [],
    status: { ...input.service, status: statusOf(input, conditions, now) },
    events: readyEvents(input.service, conditions),
  };
}
