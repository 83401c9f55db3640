import { X509Certificate } from 'node:crypto';
import type { Gauge } from 'prom-client';
import type { KubeClient } from '../../kube/client.ts';
import { Controller } from '../../kube/controller.ts';
import { SECRETS, type Secret } from '../../kube/core.ts';
import { Informer } from '../../kube/informer.ts';
import type { KubeObject } from '../../kube/types.ts';
import type { Logger } from '../../telemetry/log.ts';
import type { Credentials, KeyPair, Step } from './rotation.ts';
import { credentialsOf, secretOf } from './secret.ts';

const CHECK_MS = 60_000;
const KEY = 'certificate';

export interface CertificateSecretOptions {
  client: KubeClient;
  /** Namespace and name of the Secret. */
  namespace: string;
  name: string;
  /** Host names and addresses that a certificate made here is for. */
  names: readonly string[];
  /** What serves the certificate, as messages name it. */
  owner: string;
  /** Gets the time when the certificate that is served expires, in Unix seconds. */
  expiry: Pick<Gauge, 'set'>;
  /** Starts to serve a certificate. */
  serve: (pair: KeyPair) => void;
  now: () => number;
  log: Logger;
}

/**
 * A certificate in a Secret that all replicas of a server share. Every replica runs this, and none waits for a leader: the
 * first that renews the certificate writes it, and the watch delivers it to all.
 */
export class CertificateSecret {
  readonly #options: CertificateSecretOptions;
  readonly #secrets: Informer<Secret>;
  #served: string | undefined;

  constructor(options: CertificateSecretOptions) {
    const { client, log, namespace, name } = options;
    this.#options = options;
    const fieldSelector = `metadata.name=${name}`;
    this.#secrets = new Informer({ client, log, fieldSelector, type: SECRETS, namespace });
  }

  /** The certificate that is served. */
  get served(): string | undefined {
    return this.#served;
  }

  /** The Secret as last seen. */
  get secret(): Secret | undefined {
    const { namespace, name } = this.#options;
    return this.#secrets.store.get(`${namespace}/${name}`);
  }

  /** What is in the Secret. */
  get credentials(): Credentials | undefined {
    return credentialsOf(this.secret);
  }

  /**
   * Until `signal` aborts, calls `reconcile` when the Secret or an object of `informers` changes, and every minute.
   * @param name of the controller, in metrics.
   */
  async run<T extends KubeObject>(
    signal: AbortSignal,
    name: string,
    reconcile: () => Promise<void>,
    informers: readonly Informer<T>[] = [],
  ): Promise<void> {
    const checked = async () => {
      await reconcile();
      return { requeueAfterMs: CHECK_MS };
    };
    const controller = new Controller({ name, reconcile: checked, log: this.#options.log });
    controller.watch(this.#secrets, () => [KEY]);
    for (const informer of informers) controller.watch(informer, () => [KEY]);
    controller.enqueue(KEY);
    const watches = [this.#secrets, ...informers].map((informer) => informer.run(signal));
    await Promise.all([controller.run(signal), ...watches]);
  }

  /**
   * Writes the credentials after a step. The watch delivers them; only then are they served, as in all replicas.
   * @throws {KubeError} KUBE_CONFLICT or KUBE_ALREADY_EXISTS when another replica has written first.
   */
  async renew(step: Exclude<Step, 'keep'>): Promise<void> {
    const { client, namespace, name, names, owner, now, log } = this.#options;
    const { secret } = this;
    // Loaded on demand: the certificate library takes more memory than the rest of the role.
    const { renew } = await import('./renewal.ts');
    const credentials = await renew(step, credentialsOf(secret), names, now());
    const written = secretOf({ namespace, name }, credentials, secret);
    if (secret) await client.replace(SECRETS, written);
    else await client.create(SECRETS, written);
    log.info({ step }, `${owner}'s certificates were renewed`);
  }

  /** Serves the certificate, unless it does so. */
  serve({ certificate, key }: KeyPair): void {
    if (certificate === this.#served) return;
    const { serve, expiry, owner, log } = this.#options;
    serve({ certificate, key });
    this.#served = certificate;
    const { validToDate } = new X509Certificate(certificate);
    expiry.set(validToDate.getTime() / 1000);
    log.info({ validTo: validToDate.toISOString() }, `${owner} serves a new certificate`);
  }
}
