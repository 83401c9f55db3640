import { isIP } from 'node:net';
import type { ClientConfig, WebhookConfiguration } from '../webhook/certificates/caBundle.ts';

/** Where API servers find the webhook. */
export interface Registration {
  host: string;
  port: number;
  /** The name that its certificate must have; empty where it has an address alone. */
  serverName: string;
}

/** What the first webhook of a configuration says; the chart registers one server for all. @throws when it says nothing. */
export function registrationOf({ kind, metadata, webhooks = [] }: WebhookConfiguration): Registration {
  const clientConfig: ClientConfig = webhooks[0]?.clientConfig ?? {};
  const { service, url } = clientConfig;
  if (service) {
    const host = `${service.name}.${service.namespace}.svc`;
    return { host, port: service.port ?? 443, serverName: host };
  }
  if (!url) throw new Error(`${kind} ${metadata.name} names no server`);
  const { hostname, port } = new URL(url);
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  return { host, port: Number(port || 443), serverName: isIP(host) ? '' : host };
}
