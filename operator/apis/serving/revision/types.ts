import type { ResourceType, Typed } from '../../../kube/types.ts';
import type { IRevision } from '../../models/serving.knative.dev/v1/Revision.ts';
import type { IService } from '../../models/serving.knative.dev/v1/Service.ts';

/** A revision as the API server returns it: its defaults are filled in. */
export type Revision = Typed<IRevision>;

export type RevisionSpec = Revision['spec'];

/** `spec.template` of a service or configuration: a revision as people write it. */
export type RevisionTemplate = IService['spec']['template'];

export type TemplateSpec = RevisionTemplate['spec'];

/** Where revisions live in the API. */
export const REVISIONS: ResourceType<Revision> = {
  apiVersion: 'serving.knative.dev/v1',
  kind: 'Revision',
  plural: 'revisions',
  namespaced: true,
};
