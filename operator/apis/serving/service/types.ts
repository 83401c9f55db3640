import type { Static } from 'typebox';
import { type KubeObject, namespaced } from '../../../kube/types.ts';
import type { ServiceSpecSchema, ServiceStatusSchema } from './schema.ts';

/** A service as the API server returns it. */
export interface Service extends KubeObject {
  spec: Static<typeof ServiceSpecSchema>;
  status?: Static<typeof ServiceStatusSchema>;
}

/** Resource type of services. */
export const SERVICES = namespaced<Service>('serving.knative.dev/v1', 'Service', 'services');
