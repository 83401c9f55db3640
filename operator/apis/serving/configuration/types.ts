import type { Static } from 'typebox';
import { type KubeObject, namespaced } from '../../../kube/types.ts';
import type { ConfigurationSpecSchema, ConfigurationStatusSchema } from './schema.ts';

/** A configuration as the API server returns it. */
export interface Configuration extends KubeObject {
  spec: Static<typeof ConfigurationSpecSchema>;
  status?: Static<typeof ConfigurationStatusSchema>;
}

/** Resource type of configurations. */
export const CONFIGURATIONS = namespaced<Configuration>(
  'serving.knative.dev/v1',
  'Configuration',
  'configurations',
);
