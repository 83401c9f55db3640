import type { KubeObject, ResourceType } from '../../kube/types.ts';
import { type PathTokens, pathToName, secretPathOf } from './pathTokens.ts';
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

/** What API servers must know to call the webhook. */
export interface Registration {
  /** Authorities that they trust, as PEM. */
  bundle: string;
  tokens: PathTokens;
  /** Unix time in ms. */
  now: number;
}

const clusterWide = (kind: string, plural: string): ResourceType<WebhookConfiguration> => ({
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind,
  plural,
  namespaced: false,
});

/** The resource types that register the webhook with API servers. */
export const CONFIGURATION_TYPES = [
  clusterWide('MutatingWebhookConfiguration', 'mutatingwebhookconfigurations'),
  clusterWide('ValidatingWebhookConfiguration', 'validatingwebhookconfigurations'),
] as const;
const [MUTATING, VALIDATING] = CONFIGURATION_TYPES;

/** A webhook configuration that the chart creates. */
export interface ConfigurationRef {
  type: ResourceType<WebhookConfiguration>;
  name: string;
  /** Whether a chart without it is served as well: that of a version before, after a rollback. */
  optional: boolean;
}

/**
 * The webhook configurations, in the order in which they are written: once API servers can call the webhooks that fail
 * closed, and admit objects, they can call the one that looks up what objects refer to.
 */
export const CONFIGURATIONS: readonly ConfigurationRef[] = [
  { type: MUTATING, name: 'homerun-lookup', optional: true },
  { type: MUTATING, name: 'homerun-webhook', optional: false },
  { type: VALIDATING, name: 'homerun-webhook', optional: false },
];

/**
 * The configuration to apply so that API servers can call the webhook; undefined when they already can. It is for the
 * version of the configuration that was read: what Helm writes at the same moment is not overwritten.
 */
export function registered(
  { apiVersion, kind, metadata: { name, resourceVersion }, webhooks = [] }: WebhookConfiguration,
  { bundle, tokens, now }: Registration,
): WebhookConfiguration | undefined {
  const caBundle = Buffer.from(bundle).toString('base64');
  const wanted = webhooks.map(
    ({ name, clientConfig: { service } }): { name: string; clientConfig: ClientConfig } => {
      const secret = secretPathOf(name);
      if (!secret || !service) return { name, clientConfig: { caBundle } };
      const path = pathToName(secret, service.path, tokens, now);
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

/** The first webhook of the configuration that API servers would ask at a secret path, if only it named one. */
export function withoutPath({ webhooks = [] }: WebhookConfiguration): string | undefined {
  return webhooks.find(
    ({ name, clientConfig: { service } }) => secretPathOf(name) && service && !service.path,
  )?.name;
}
