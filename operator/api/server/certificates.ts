import { X509Certificate } from 'node:crypto';
import type { KubeClient } from '../../kube/client.ts';
import { Controller, type Outcome } from '../../kube/controller.ts';
import { SECRETS, type Secret } from '../../kube/core.ts';
import { Informer } from '../../kube/informer.ts';
import type { Permission } from '../../rbac.ts';
import type { Logger } from '../../telemetry/log.ts';
import { apiCertificateExpiry } from '../../telemetry/metrics.ts';
import { decide, type KeyPair } from '../../webhook/certificates/rotation.ts';
import { credentialsOf, secretOf } from '../../webhook/certificates/secret.ts';

/** The Secret with the certificate that Homerun makes itself. */
export const OWN_SECRET = 'homerun-api-cert';

const CHECK_MS = 60_000;
const KEY = 'certificate';

/** In the operator's own namespace: the Secret that is made. One that the values name is granted by the chart. */
export const certificatePermissions: readonly Permission[] = [
  { apiGroups: [''], resources: ['secrets'], verbs: ['create'] },
  {
    apiGroups: [''],
    resources: ['secrets'],
    verbs: ['get', 'list', 'update', 'watch'],
    resourceNames: [OWN_SECRET],
  },
];

export interface ApiCertificatesOptions {
  client: KubeClient;
  /** Namespace of the Secret. */
  namespace: string;
  /** A Secret of the type kubernetes.io/tls that others write; the certificate is made here when empty. */
  secret: string;
  /** Host names and addresses that a certificate made here is for. */
  names: readonly string[];
  /** Starts to serve a certificate. */
  serve: (pair: KeyPair) => void;
  now: () => number;
  log: Logger;
}

/**
 * The certificate of the Admin API, in a Secret that all replicas share: every replica runs this, and none waits for a
 * leader. People get the authority to trust from the Secret's `ca.crt`.
 */
export class ApiCertificates {
  readonly #options: ApiCertificatesOptions;
  readonly #name: string;
  readonly #secrets: Informer<Secret>;
  #served: string | undefined;

  constructor(options: ApiCertificatesOptions) {
    const { client, log, namespace, secret } = options;
    this.#options = options;
    this.#name = secret || OWN_SECRET;
    const fieldSelector = `metadata.name=${this.#name}`;
    this.#secrets = new Informer({ client, log, fieldSelector, type: SECRETS, namespace });
  }

  /** Why no client can connect yet; undefined when they can. */
  unready(): string | undefined {
    return this.#served ? undefined : `Secret ${this.#name} has no certificate yet`;
  }

  /** Runs until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { log } = this.#options;
    const controller = new Controller({ name: 'api-certificate', reconcile: () => this.#reconcile(), log });
    controller.watch(this.#secrets, () => [KEY]);
    controller.enqueue(KEY);
    await Promise.all([controller.run(signal), this.#secrets.run(signal)]);
  }

  async #reconcile(): Promise<Outcome> {
    const { client, secret: given, names, namespace, now, log } = this.#options;
    const secret = this.#secrets.store.get(`${namespace}/${this.#name}`);
    const present = credentialsOf(secret);
    const step = given
      ? 'keep'
      : decide({ credentials: present, names: checkable(names), published: true, now: now() });
    if (step !== 'keep') {
      // Loaded on demand: the certificate library takes more memory than the rest of the role.
      const { renew } = await import('../../webhook/certificates/renewal.ts');
      const written = secretOf(
        { namespace, name: this.#name },
        await renew(step, present, names, now()),
        secret,
      );
      if (secret) await client.replace(SECRETS, written);
      else await client.create(SECRETS, written);
      log.info({ step }, "the Admin API's certificates were renewed");
    } else if (present) this.#serve(present);
    return { requeueAfterMs: CHECK_MS };
  }

  #serve({ certificate, key }: KeyPair): void {
    if (certificate === this.#served || certificate === '') return;
    this.#options.serve({ certificate, key });
    this.#served = certificate;
    const { validToDate } = new X509Certificate(certificate);
    apiCertificateExpiry.set(validToDate.getTime() / 1000);
    this.#options.log.info({ validTo: validToDate.toISOString() }, 'the Admin API serves a new certificate');
  }
}

/** Names to compare a certificate with: a wildcard is for any host below it. */
function checkable(names: readonly string[]): string[] {
  return names.map((name) => name.replace(/^\*/, 'any'));
}
