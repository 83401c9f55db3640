import type { KubeObject, ResourceType } from '../../kube/types.ts';
import { trusts } from './rotation.ts';

/** The certificate fields of a MutatingWebhookConfiguration or ValidatingWebhookConfiguration. */
export interface WebhookConfiguration extends KubeObject {
  webhooks?: { name: string; clientConfig: { caBundle?: string } }[];
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

/** The configuration to apply so that API servers trust `bundle` (PEM); undefined when they already do. */
export function withBundle(
  { apiVersion, kind, metadata, webhooks = [] }: WebhookConfiguration,
  bundle: string,
): WebhookConfiguration | undefined {
  const caBundle = Buffer.from(bundle).toString('base64');
  if (webhooks.every(({ clientConfig }) => clientConfig.caBundle === caBundle)) return undefined;
  return {
    apiVersion,
    kind,
    metadata: { name: metadata.name },
    webhooks: webhooks.map(({ name }) => ({ name, clientConfig: { caBundle } })),
  };
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
