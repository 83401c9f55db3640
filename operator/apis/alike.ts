import type { KubeObject } from '../kube/types.ts';
import { RUN, SERVING } from './labels.ts';

/** What revisions, Deployments and executions of one owner have in common: these differ in little. Pure. */
export function ownerKey({ metadata: { namespace, labels = {} } }: KubeObject): string {
  const owner = labels[SERVING.configuration] ?? labels[RUN.workerPool] ?? labels[RUN.job] ?? '';
  return `${namespace}/${owner}`;
}

/** What the instances of a revision have in common, which are made of one template. Pure. */
export function revisionKey({ metadata: { namespace, labels = {} } }: KubeObject): string {
  return `${namespace}/${labels[SERVING.revision] ?? ''}`;
}
