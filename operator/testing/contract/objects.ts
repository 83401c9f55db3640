import type { KubeClient } from '../../kube/client.ts';
import type { ConfigMap, Deployment } from '../../kube/core.ts';
import { isKubeError } from '../../kube/errors.ts';
import type { KubeObject, ResourceType } from '../../kube/types.ts';

// The objects and helpers of the contract's cases.

/** A kind of one's own, with a status; installed by the test on the real server. */
export interface Widget extends KubeObject {
  spec?: { size?: number; list?: { name: string; value?: string }[]; map?: Record<string, string> };
  status?: { ready?: boolean; items?: { type: string; status: string }[] };
}
export const WIDGETS: ResourceType<Widget> = {
  apiVersion: 'example.com/v1',
  kind: 'Widget',
  plural: 'widgets',
  namespaced: true,
};

/** Webhooks, which are merged by name. */
export interface Hooks extends KubeObject {
  webhooks?: { clientConfig?: object }[];
}
export const HOOKS: ResourceType<Hooks> = {
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingWebhookConfiguration',
  plural: 'validatingwebhookconfigurations',
  namespaced: false,
};

/** Something that the fake and the real API server must answer alike. */
export type Case = (client: KubeClient, namespace: string) => Promise<unknown>;

export const OTHER_UID = 'e5c8fb4c-0000-0000-0000-000000000000';

export const meta = (namespace: string, name: string, extra: object = {}) => ({ namespace, name, ...extra });

export function configMap(namespace: string, name: string, data: Record<string, string>): ConfigMap {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: meta(namespace, name), data };
}

export function widget(namespace: string, name: string, part: Partial<Widget> = {}): Widget {
  return { apiVersion: 'example.com/v1', kind: 'Widget', metadata: meta(namespace, name), ...part };
}

export function deployment(namespace: string, container: object = {}): Deployment {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: meta(namespace, 'app'),
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: 'a' } },
      template: {
        metadata: { labels: { app: 'a' } },
        spec: { containers: [{ name: 'app', image: 'app:1', ...container }] },
      },
    },
  };
}

/** How a call fails: the error's code and the Status' reason. */
export async function failure(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'no failure';
  } catch (error) {
    return isKubeError(error) ? `${error.code} ${error.status} ${error.reason}` : String(error);
  }
}

export const containersOf = ({ spec }: Deployment) => spec?.template.spec?.containers ?? [];
export const isNewer = (a: KubeObject, b: KubeObject) =>
  a.metadata.resourceVersion !== b.metadata.resourceVersion;

/** The CustomResourceDefinition of {@link WIDGETS}. */
export const widgetDefinition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { kind: 'Widget', plural: 'widgets', singular: 'widget' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: {
                type: 'object',
                properties: {
                  size: { type: 'integer' },
                  list: {
                    type: 'array',
                    items: {
                      type: 'object',
                      properties: { name: { type: 'string' }, value: { type: 'string' } },
                    },
                  },
                  map: { type: 'object', additionalProperties: { type: 'string' } },
                },
              },
              status: {
                type: 'object',
                properties: {
                  ready: { type: 'boolean' },
                  items: {
                    type: 'array',
                    items: {
                      type: 'object',
                      properties: { type: { type: 'string' }, status: { type: 'string' } },
                    },
                  },
                },
              },
            },
          },
        },
      },
    ],
  },
};
