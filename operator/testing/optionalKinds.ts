import type { KubeObject, ResourceType } from '../kube/types.ts';
import type { ApiServer } from './apiServer.ts';
import { CRDS } from './installKinds.ts';
import { until } from './until.ts';

const anything = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };

/**
 * Installs a kind of others as far as a test needs it, status as a subresource, and waits until it is served.
 * @param rules of the API server for its objects (Kubernetes, Validation rules).
 * @param spec the schema of its `spec`; any fields when left out.
 * @returns removes it.
 */
export async function installKind(
  { client }: Pick<ApiServer, 'client'>,
  type: ResourceType,
  rules: { rule: string; message: string }[] = [],
  spec: object = anything,
): Promise<() => Promise<unknown>> {
  const { apiVersion, kind, plural } = type;
  const [group = '', version = ''] = apiVersion.split('/');
  const metadata = { name: `${plural}.${group}` };
  const definition = {
    apiVersion: CRDS.apiVersion,
    kind: CRDS.kind,
    // The API server asks for it where a group is the Kubernetes project's own.
    metadata: { ...metadata, annotations: { 'api-approved.kubernetes.io': 'unapproved, for a test' } },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List` },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          subresources: { status: {} },
          schema: {
            openAPIV3Schema: {
              type: 'object',
              'x-kubernetes-validations': rules,
              properties: {
                metadata: { type: 'object', properties: { name: { type: 'string' } } },
                spec,
                status: anything,
              },
            },
          },
        },
      ],
    },
  };
  await client.create(CRDS, definition as unknown as KubeObject);
  await until(`${kind} is served`, () => client.list(type, { namespace: 'default' }).catch(() => undefined));
  return () => client.delete(CRDS, metadata);
}
