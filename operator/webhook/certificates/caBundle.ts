import type { KubeObject, ResourceType } from '../../kube/types.ts';
import { type EvictionToken, evictionPath } from './evictionTokens.ts';
import { trusts } from './rotation.ts';

/** What counts here of a MutatingWebhookConfiguration or ValidatingWebhookConfiguration. */
export interface WebhookConfiguration extends KubeObject {
  webhooks?: { name: string; clientConfig: ClientConfig }[];
}

/** How API servers call a webhook; only what is written is there in an object that is applied. */
export interface ClientConfig {
  caBundle?: string;
  url?: string;
  service?: { name?: string; namespace?: string; port?: number; path?: string };
}

/** The webhook that is asked about evictions, as the chart names it. */
export const EVICTION_WEBHOOK = 'evict.homerun.dev';

/** What API servers must know to call the webhook. */
export interface Registration {
  /** Authorities that they trust, as PEM. */
  bundle: string;
  evictionTokens: readonly EvictionToken[];
  /** Unix time in ms. */
  now: number;
}

const clusterWide = (kind: string, plural: string): ResourceType<WebhookConfiguration> => ({
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind,
  plural,
  namespaced: false,
});

/** The resource types that register the webhook with API servers; the chart creates one object of each. */
export const CONFIGURATION_TYPES = [
  clusterWide('MutatingWebhookConfiguration', 'mutatingwebhookconfigurations'),
  clusterWide('ValidatingWebhookConfiguration', 'validatingwebhookconfigurations'),
] as const;

/**
 * The configuration to apply so that API servers can call the webhook; undefined when they already can. It is for the
 * version of the configuration that was read: what Helm writes at the same moment is not overwritten.
 */
export function registered(
  { apiVersion, kind, metadata: { name, resourceVersion }, webhooks = [] }: WebhookConfiguration,
  { bundle, evictionTokens, now }: Registration,
): WebhookConfiguration | undefined {
  const caBundle = Buffer.from(bundle).toString('base64');
  const wanted = webhooks.map(
    ({ name, clientConfig: { service } }): { name: string; clientConfig: ClientConfig } => {
      if (name !== EVICTION_WEBHOOK || !service) return { name, clientConfig: { caBundle } };
      const path = evictionPath(service.path, evictionTokens, now);
      return { name, clientConfig: path === undefined ? { caBundle } : { caBundle, service: { path } } };
    },
  );
  const isRegistered = webhooks.every(({ clientConfig: { caBundle, service } }, i) => {
    const { clientConfig } = wanted[i] ?? {};
    const path = clientConfig?.service?.path ?? service?.path;
    return clientConfig?.caBundle === caBundle && path === service?.path;
  });
  if (isRegistered) return undefined;
  return { apiVersion, kind, metadata: { name, resourceVersion }, webhooks: wanted };
}

/** Whether the caBundle of each webhook of the configuration trusts a certificate (PEM). */
export function isTrustedBy({ webhooks = [] }: WebhookConfiguration, certificate: string): boolean {
  return (
    webhooks.length > 0 &&
    webhooks.every(({ clientConfig }) => {
      const bundle = Buffer.from(clientConfig.caBundle ?? '', 'base64').toString();
      return trusts(bundle, certificate);
    })
  );
}
