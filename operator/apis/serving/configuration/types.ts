import type { Static } from 'typebox';
import type { KubeObject, ResourceType } from '../../../kube/types.ts';
import type { ConfigurationSpecSchema, ConfigurationStatusSchema } from './schema.ts';

/** A configuration as the API server returns it. */
export interface Configuration extends KubeObject {
  spec: Static<typeof ConfigurationSpecSchema>;
  status?: Static<typeof ConfigurationStatusSchema>;
}

/** Resource type of configurations. */
export const CONFIGURATIONS: ResourceType<Configuration> = {
  apiVersion: 'serving.knative.dev/v1',
  kind: 'Configuration',
  plural: 'configurations',
  namespaced: true,
};
