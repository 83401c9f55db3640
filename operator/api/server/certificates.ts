import { CONFIG_MAPS } from '../../kube/core.ts';
import type { Permission } from '../../rbac.ts';
import { CONTACT, type Contact, contactMap } from '../../source/contact.ts';
import { apiCertificateExpiry } from '../../telemetry/metrics.ts';
import {
  CertificateSecret,
  type CertificateSecretOptions,
} from '../../webhook/certificates/certificateSecret.ts';
import { decide } from '../../webhook/certificates/rotation.ts';
import { FIELD_MANAGER } from '../fieldManager.ts';

/** The Secret with the certificate that Homerun makes itself. */
export const OWN_SECRET = 'homerun-api-cert';

/** In the operator's own namespace: where the API is and whom to trust for it, for instances that get their source there. */
const contactPermissions: readonly Permission[] = [
  { apiGroups: [''], resources: ['configmaps'], verbs: ['create'] },
  { apiGroups: [''], resources: ['configmaps'], verbs: ['patch'], resourceNames: [CONTACT] },
];

/** In the operator's own namespace: the Secret that is made. One that the values name is granted by the chart. */
export const certificatePermissions: readonly Permission[] = [
  { apiGroups: [''], resources: ['secrets'], verbs: ['create'] },
  {
    apiGroups: [''],
    resources: ['secrets'],
    verbs: ['get', 'list', 'update', 'watch'],
    resourceNames: [OWN_SECRET],
  },
  ...contactPermissions,
];

export interface ApiCertificatesOptions extends Omit<CertificateSecretOptions, 'name' | 'owner' | 'expiry'> {
  /** Where instances reach the API, and the name in the certificate; undefined where they get nothing there. */
  contact: Omit<Contact, 'authorities'> | undefined;
  /** A Secret of the type kubernetes.io/tls that others write; the certificate is made here when empty. */
  secret: string;
}

/**
 * The certificate of the Admin API, in a Secret that all replicas share. People get the authority to trust from the Secret's
 * `ca.crt`.
 */
export class ApiCertificates {
  readonly #options: ApiCertificatesOptions;
  readonly #name: string;
  readonly #certificate: CertificateSecret;
  /** The authorities that instances were told. */
  #published: string | undefined;

  constructor(options: ApiCertificatesOptions) {
    this.#options = options;
    this.#name = options.secret || OWN_SECRET;
    const { secret: _, contact: __, ...rest } = options;
    this.#certificate = new CertificateSecret({
      ...rest,
      name: this.#name,
      owner: 'the Admin API',
      expiry: apiCertificateExpiry,
    });
  }

  /** Why no client can connect yet; undefined when they can. */
  unready(): string | undefined {
    return this.#certificate.served ? undefined : `Secret ${this.#name} has no certificate yet`;
  }

  /** Runs until `signal` aborts. */
  run(signal: AbortSignal): Promise<void> {
    return this.#certificate.run(signal, 'api-certificate', () => this.#reconcile());
  }

  async #reconcile(): Promise<void> {
    const { secret: given, names, now } = this.#options;
    const { credentials } = this.#certificate;
    const step = given
      ? 'keep'
      : decide({ credentials, names: checkable(names), published: true, now: now() });
    if (step !== 'keep') await this.#certificate.renew(step);
    else if (credentials?.certificate) this.#certificate.serve(credentials);
    if (credentials?.certificate) await this.#publish(credentials.authorities);
  }

  async #publish(authorities: string): Promise<void> {
    const { client, namespace, contact } = this.#options;
    if (!contact || authorities === this.#published) return;
    const map = contactMap(namespace, { ...contact, authorities });
    await client.apply(CONFIG_MAPS, map, { fieldManager: FIELD_MANAGER });
    this.#published = authorities;
  }
}

/** Names to compare a certificate with: a wildcard is for any host below it. */
function checkable(names: readonly string[]): string[] {
  return names.map((name) => name.replace(/^\*/, 'any'));
}
