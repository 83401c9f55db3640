import type { ResourceType, Typed } from '../../../kube/types.ts';
import type { IService } from '../../models/serving.knative.dev/v1/Service.ts';

/** A service as the API server returns it. */
export type Service = Typed<IService>;

/** Where services live in the API. */
export const SERVICES: ResourceType<Service> = {
  apiVersion: 'serving.knative.dev/v1',
  kind: 'Service',
  plural: 'services',
  namespaced: true,
};
