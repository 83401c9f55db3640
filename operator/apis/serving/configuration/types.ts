import type { ResourceType, Typed } from '../../../kube/types.ts';
import type { IConfiguration } from '../../models/serving.knative.dev/v1/Configuration.ts';

/** A configuration as the API server returns it. */
export type Configuration = Typed<IConfiguration>;

/** Where configurations live in the API. */
export const CONFIGURATIONS: ResourceType<Configuration> = {
  apiVersion: 'serving.knative.dev/v1',
  kind: 'Configuration',
  plural: 'configurations',
  namespaced: true,
};
