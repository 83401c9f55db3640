import type { Static } from 'typebox';
import type { KubeObject, ResourceType } from '../../../kube/types.ts';
import type { RouteSpecSchema, RouteStatusSchema } from './schema.ts';

/** A route as the API server returns it. */
export interface Route extends KubeObject {
  spec: Static<typeof RouteSpecSchema>;
  status?: Static<typeof RouteStatusSchema>;
}

/** Resource type of routes. */
export const ROUTES: ResourceType<Route> = {
  apiVersion: 'serving.knative.dev/v1',
  kind: 'Route',
  plural: 'routes',
  namespaced: true,
};
