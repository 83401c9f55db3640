import type { ResourceType, Typed } from '../../../kube/types.ts';
import type { IRoute } from '../../models/serving.knative.dev/v1/Route.ts';

/** A route as the API server returns it. */
export type Route = Typed<IRoute>;

/** Where routes live in the API. */
export const ROUTES: ResourceType<Route> = {
  apiVersion: 'serving.knative.dev/v1',
  kind: 'Route',
  plural: 'routes',
  namespaced: true,
};
