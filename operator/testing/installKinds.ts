import { customResourceDefinition } from '../apis/definition.ts';
import { KINDS } from '../apis/kinds.ts';
import { NAMESPACES } from '../kube/core.ts';
import type { KubeObject, ResourceType } from '../kube/types.ts';
import type { ApiServer } from './apiServer.ts';
import { until } from './until.ts';

export const CRDS: ResourceType = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  namespaced: false,
};

/** What an API server says of a kind that it serves (Kubernetes, APIResource). */
export interface ServedResource {
  name: string;
  singularName: string;
  shortNames?: string[];
  categories?: string[];
}

/** Makes namespaces on an API server. */
export async function makeNamespaces(
  { client }: Pick<ApiServer, 'client'>,
  ...names: string[]
): Promise<void> {
  for (const name of names) {
    await client.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  }
}

/** Makes namespaces and our kinds on an API server; resolves when it serves all of them. */
export async function installKinds(
  { client }: Pick<ApiServer, 'client'>,
  ...namespaces: string[]
): Promise<void> {
  await makeNamespaces({ client }, ...namespaces);
  for (const kind of KINDS) {
    await client.create(CRDS, customResourceDefinition(kind) as unknown as KubeObject);
  }
  const served = async () => {
    const names = (await servedResources({ client })).map(({ name }) => name);
    return names.filter((name) => !name.includes('/')).length === KINDS.length;
  };
  await until('all kinds are served', () => served().catch(() => false), { everyMs: 50 });
}

/** What the API server says of our kinds and their subresources. */
export async function servedResources({ client }: Pick<ApiServer, 'client'>): Promise<ServedResource[]> {
  const groups = [...new Set(KINDS.map(({ group, version }) => `/apis/${group}/${version}`))];
  const lists = await Promise.all(
    groups.map((path) => client.request<{ resources: ServedResource[] }>('GET', path)),
  );
  return lists.flatMap(({ resources }) => resources);
}
