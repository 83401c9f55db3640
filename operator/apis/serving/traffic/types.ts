import type { IRoute } from '../../models/serving.knative.dev/v1/Route.ts';
import type { IService } from '../../models/serving.knative.dev/v1/Service.ts';

/** An entry of `spec.traffic` of a service. */
export type ServiceTarget = NonNullable<IService['spec']['traffic']>[number];

/** An entry of `spec.traffic` of a route: it may also name a configuration. */
export type RouteTarget = NonNullable<IRoute['spec']['traffic']>[number];

/** An entry of `status.traffic`. */
export type TargetStatus = NonNullable<NonNullable<IRoute['status']>['traffic']>[number];
