import type { Static } from 'typebox';
import { type KubeObject, namespaced } from '../../../kube/types.ts';
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
export const REVISIONS = namespaced<Revision>('serving.knative.dev/v1', 'Revision', 'revisions');
