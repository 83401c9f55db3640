import { X509Certificate } from 'node:crypto';
import type { KubeClient } from '../../kube/client.ts';
import { Controller, type Outcome } from '../../kube/controller.ts';
import { SECRETS, type Secret } from '../../kube/core.ts';
import { StaleError } from '../../kube/errors.ts';
import { Informer } from '../../kube/informer.ts';
import type { Logger } from '../../telemetry/log.ts';
import { certificateExpiry } from '../../telemetry/metrics.ts';
import { CONFIGURATION_TYPES, isTrustedBy, type WebhookConfiguration, withBundle } from './caBundle.ts';
import { type Credentials, decide, type KeyPair, newestOf, trusts } from './rotation.ts';
import { credentialsOf, SECRET_NAME, secretOf } from './secret.ts';

const CHECK_MS = 60_000;
const KEY = 'certificate';

export interface CertificateControllerOptions {
  client: KubeClient;
  /** Namespace of the Secret. */
  namespace: string;
  /** Name of both webhook configurations. */
  configuration: string;
  /** Host names by which API servers call the webhook. */
  names: readonly string[];
  /** Starts to serve a new certificate. */
  serve: (pair: KeyPair) => void;
  now: () => number;
  log: Logger;
}

/**
 * Maintains the webhook's certificate in a Secret that all replicas share, and the caBundle of both webhook
 * configurations. Every replica runs it: none waits for a leader, and a deleted Secret or caBundle is restored at once.
 */
export class CertificateController {
  readonly #options: CertificateControllerOptions;
  readonly #secrets: Informer<Secret>;
  readonly #configurations: Informer<WebhookConfiguration>[];
  #served: string | undefined;

  constructor(options: CertificateControllerOptions) {
    const { client, log, namespace, configuration } = options;
    this.#options = options;
    const only = (name: string) => ({ client, log, fieldSelector: `metadata.name=${name}` });
    this.#secrets = new Informer({ ...only(SECRET_NAME), type: SECRETS, namespace });
    this.#configurations = CONFIGURATION_TYPES.map((type) => new Informer({ ...only(configuration), type }));
  }

  /** Why API servers cannot call this replica yet; undefined when they can. */
  unready(): string | undefined {
    const served = this.#served;
    if (!served) return 'the webhook has no certificate yet';
    for (const { store, type } of this.#configurations) {
      const configuration = store.get(this.#options.configuration);
      const name = `${type.kind} ${this.#options.configuration}`;
      if (!configuration) return `${name} does not exist`;
      if (!isTrustedBy(configuration, served)) return `${name} does not trust the webhook's certificate yet`;
    }
    return undefined;
  }

  /** Runs until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { log } = this.#options;
    const reconcile = () => this.#reconcile();
    const controller = new Controller({ name: 'webhook-certificate', reconcile, log });
    controller.watch(this.#secrets, () => [KEY]);
    for (const informer of this.#configurations) controller.watch(informer, () => [KEY]);
    controller.enqueue(KEY);
    const informers = [this.#secrets, ...this.#configurations];
    await Promise.all([controller.run(signal), ...informers.map((informer) => informer.run(signal))]);
  }

  async #reconcile(): Promise<Outcome> {
    const { names, now, namespace, log } = this.#options;
    const secret = this.#secrets.store.get(`${namespace}/${SECRET_NAME}`);
    const present = credentialsOf(secret);
    const step = decide({ credentials: present, names, published: this.#isPublished(present), now: now() });
    if (step !== 'keep') {
      // Loaded on demand: the certificate library takes more memory than the rest of the webhook.
      const { renew } = await import('./renewal.ts');
      const credentials = await renew(step, present, names, now());
      await this.#write(secretOf({ namespace, name: SECRET_NAME }, credentials, secret));
      log.info({ step }, "the webhook's certificates were renewed");
      // The watch delivers the written Secret; only then is it served and published, as in all replicas.
      return { requeueAfterMs: CHECK_MS };
    }
    if (!present) return { requeueAfterMs: CHECK_MS };
    this.#serve(present);
    await this.#publish(present.authorities, secret);
    return { requeueAfterMs: CHECK_MS };
  }

  /** @throws {KubeError} KUBE_CONFLICT or KUBE_ALREADY_EXISTS when another replica has written first. */
  async #write(secret: Secret): Promise<void> {
    const { client } = this.#options;
    if (secret.metadata.resourceVersion) await client.replace(SECRETS, secret);
    else await client.create(SECRETS, secret);
  }

  #serve({ certificate, key, authorities }: Credentials): void {
    if (certificate === this.#served || !trusts(authorities, certificate)) return;
    this.#options.serve({ certificate, key });
    this.#served = certificate;
    const { validToDate } = new X509Certificate(certificate);
    certificateExpiry.set(validToDate.getTime() / 1000);
    this.#options.log.info({ validTo: validToDate.toISOString() }, 'the webhook serves a new certificate');
  }

  async #publish(bundle: string, secret: Secret | undefined): Promise<void> {
    const { client, configuration } = this.#options;
    const changes = this.#configurations.flatMap(({ store, type }) => {
      const live = store.get(configuration);
      const change = live && withBundle(live, bundle);
      return change ? [{ type, change }] : [];
    });
    if (changes.length === 0) return;
    // A replica with a stale cache must not restore an old bundle.
    const ref = { namespace: this.#options.namespace, name: SECRET_NAME };
    const latest = await client.get(SECRETS, ref);
    if (latest?.metadata.resourceVersion !== secret?.metadata.resourceVersion) {
      throw new StaleError('the Secret has changed');
    }
    for (const { type, change } of changes) {
      await client.apply(type, change, { fieldManager: 'homerun-webhook' });
    }
  }

  #isPublished(credentials: Credentials | undefined): boolean {
    const newest = newestOf(credentials?.authorities ?? '');
    if (!newest) return false;
    return this.#configurations.every(({ store }) => {
      const webhooks = store.get(this.#options.configuration)?.webhooks ?? [];
      return webhooks.every(({ clientConfig }) =>
        Buffer.from(clientConfig.caBundle ?? '', 'base64')
          .toString()
          .includes(newest.trim()),
      );
    });
  }
}
