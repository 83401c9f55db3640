import type { Static } from 'typebox';
import { type KubeObject, namespaced } from '../../../kube/types.ts';
import type { RouteSpecSchema, RouteStatusSchema } from './schema.ts';

/** A route as the API server returns it. */
export interface Route extends KubeObject {
  spec: Static<typeof RouteSpecSchema>;
  status?: Static<typeof RouteStatusSchema>;
}

/** Resource type of routes. */
export const ROUTES = namespaced<Route>('serving.knative.dev/v1', 'Route', 'routes');
