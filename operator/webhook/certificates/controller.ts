import { randomBytes } from 'node:crypto';
import { SECRETS, type Secret } from '../../kube/core.ts';
import { StaleError } from '../../kube/errors.ts';
import { Informer } from '../../kube/informer.ts';
import { certificateExpiry } from '../../telemetry/metrics.ts';
import { CONFIGURATION_TYPES, isTrustedBy, registered, type WebhookConfiguration } from './caBundle.ts';
import { CertificateSecret, type CertificateSecretOptions } from './certificateSecret.ts';
import { type EvictionToken, isTokenDue, tokensOf, withToken } from './evictionTokens.ts';
import { type Credentials, decide, newestOf, trusts } from './rotation.ts';
import { SECRET_NAME } from './secret.ts';

export interface CertificateControllerOptions
  extends Omit<CertificateSecretOptions, 'name' | 'owner' | 'expiry'> {
  /** Name of both webhook configurations. */
  configuration: string;
  /** Takes the tokens with which evictions are reviewed. */
  acceptEvictions: (tokens: readonly EvictionToken[]) => void;
}

/**
 * Maintains the webhook's certificate and the tokens of its path for evictions in a Secret that all replicas share, and
 * caBundle and that path in both webhook configurations. Every replica runs it: none waits for a leader, and a deleted
 * Secret, caBundle or path is restored at once.
 */
export class CertificateController {
  readonly #options: CertificateControllerOptions;
  readonly #certificate: CertificateSecret;
  readonly #configurations: Informer<WebhookConfiguration>[];

  constructor(options: CertificateControllerOptions) {
    const { client, log, configuration, acceptEvictions, ...rest } = options;
    this.#options = options;
    this.#certificate = new CertificateSecret({
      ...rest,
      client,
      log,
      name: SECRET_NAME,
      owner: 'the webhook',
      expiry: certificateExpiry,
    });
    const fieldSelector = `metadata.name=${configuration}`;
    this.#configurations = CONFIGURATION_TYPES.map(
      (type) => new Informer({ client, log, fieldSelector, type }),
    );
  }

  /** Why API servers cannot call this replica yet; undefined when they can. */
  unready(): string | undefined {
    const { served } = this.#certificate;
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
  run(signal: AbortSignal): Promise<void> {
    const reconcile = () => this.#reconcile();
    return this.#certificate.run(signal, 'webhook-certificate', reconcile, this.#configurations);
  }

  async #reconcile(): Promise<void> {
    const { names, now, acceptEvictions } = this.#options;
    const { secret, credentials } = this.#certificate;
    const tokens = tokensOf(secret);
    acceptEvictions(tokens);
    const published = this.#isPublished(credentials);
    const step = decide({ credentials, names, published, now: now() });
    if (step !== 'keep') {
      await this.#certificate.renew(step);
      return;
    }
    if (!secret || !credentials) return;
    if (trusts(credentials.authorities, credentials.certificate)) this.#certificate.serve(credentials);
    if (isTokenDue(tokens, now())) await this.#addToken(secret);
    else await this.#publish(credentials.authorities, tokens, secret);
  }

  /** The watch delivers the token to all replicas, which accept it before it is published. */
  async #addToken(secret: Secret): Promise<void> {
    const { client, now, log } = this.#options;
    await client.replace(SECRETS, withToken(secret, randomBytes(32).toString('hex'), now()));
    log.info('the path for reviews of evictions has a new token');
  }

  async #publish(bundle: string, evictionTokens: readonly EvictionToken[], secret: Secret): Promise<void> {
    const { client, configuration, now } = this.#options;
    const registration = { bundle, evictionTokens, now: now() };
    const changes = this.#configurations.flatMap(({ store, type }) => {
      const live = store.get(configuration);
      const change = live && registered(live, registration);
      return change ? [{ type, change }] : [];
    });
    if (changes.length === 0) return;
    // A replica with a stale cache must not restore an old bundle or path.
    const ref = { namespace: this.#options.namespace, name: SECRET_NAME };
    const latest = await client.get(SECRETS, ref);
    if (latest?.metadata.resourceVersion !== secret.metadata.resourceVersion) {
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
