import type { Static } from 'typebox';
import type { KubeObject, ResourceType } from '../../../kube/types.ts';
import type { RevisionSpecSchema, RevisionStatusSchema, RevisionTemplateSchema } from './schema.ts';

/** A revision as the API server returns it, with its defaults set. */
export interface Revision extends KubeObject {
  spec: Static<typeof RevisionSpecSchema>;
  status?: Static<typeof RevisionStatusSchema>;
}

export type RevisionSpec = Revision['spec'];

/** `spec.template` of a service or configuration. */
export type RevisionTemplate = Static<typeof RevisionTemplateSchema>;

export type TemplateSpec = RevisionTemplate['spec'];

/** Resource type of revisions. */
export const REVISIONS: ResourceType<Revision> = {
  apiVersion: 'serving.knative.dev/v1',
  kind: 'Revision',
  plural: 'revisions',
  namespaced: true,
};
