import type { ConfigMap } from '../kube/core.ts';
import { SourceError } from './errors.ts';

// How an instance finds the archives of its project: what the Admin API says of itself, and what an instance shows it.

/**
 * In the operator's namespace: where the Admin API is, and the authorities that sign its certificate. It is public, and read
 * at each start of an instance, so that an authority that was renewed is trusted at once: pod templates stay as they are for
 * as long as a revision runs (docs/adr/0008), and an authority does not.
 */
export const CONTACT = 'homerun-api-contact';

/** Whom the token of an instance is for: it is good for nothing else. */
export const SOURCE_AUDIENCE = 'homerun-sources';

/** Where the Admin API gives an archive to the instances of its project. */
export const SOURCES_PATH = '/homerun/v1/sources';

/** How to reach the Admin API. */
export interface Contact {
  /** `https://HOST:PORT` of its core Service. */
  address: string;
  /** The name that its certificate is for. */
  serverName: string;
  /** PEM; empty where the public authorities count. */
  authorities: string;
}

const KEYS = { address: 'address', serverName: 'server-name', authorities: 'ca.crt' } as const;

/** The ConfigMap with these. */
export function contactMap(namespace: string, contact: Contact): ConfigMap {
  const data = Object.entries(KEYS).map(([field, key]) => [key, contact[field as keyof Contact]]);
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace, name: CONTACT, labels: { 'app.kubernetes.io/name': 'homerun' } },
    data: Object.fromEntries(data),
  };
}

/** @throws {SourceError} SOURCE_UNAVAILABLE where the cluster keeps no sources. */
export function contactOf(map: ConfigMap | undefined): Contact {
  const textOf = (field: keyof Contact) => map?.data?.[KEYS[field]] ?? '';
  const address = textOf('address');
  if (address) return { address, serverName: textOf('serverName'), authorities: textOf('authorities') };
  throw new SourceError(
    'SOURCE_UNAVAILABLE',
    'This cluster keeps no sources: install Homerun with api.enabled=true and api.storage.enabled=true.',
  );
}
