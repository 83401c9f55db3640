import { randomBytes } from 'node:crypto';
import { SECRETS, type Secret } from '../../kube/core.ts';
import { StaleError } from '../../kube/errors.ts';
import { Informer } from '../../kube/informer.ts';
import { certificateExpiry } from '../../telemetry/metrics.ts';
import {
  CONFIGURATIONS,
  isTrustedBy,
  registered,
  type WebhookConfiguration,
  withoutPath,
} from './caBundle.ts';
import { CertificateSecret, type CertificateSecretOptions } from './certificateSecret.ts';
import { type PathTokens, pathsDue, type SecretPath, tokensOf, withToken } from './pathTokens.ts';
import { type Credentials, decide, newestOf, trusts } from './rotation.ts';
import { SECRET_NAME } from './secret.ts';

export interface CertificateControllerOptions
  extends Omit<CertificateSecretOptions, 'name' | 'owner' | 'expiry'> {
  /** Takes the tokens of the secret paths. */
  acceptTokens: (tokens: PathTokens) => void;
}

/** A webhook configuration, as it was last seen. */
interface Watched {
  name: string;
  optional: boolean;
  informer: Informer<WebhookConfiguration>;
  live: () => WebhookConfiguration | undefined;
}

/**
 * Maintains the webhook's certificate and the tokens of its secret paths in a Secret that all replicas share, and caBundle
 * and these paths in the webhook configurations. Every replica runs it: none waits for a leader, and a deleted Secret,
 * caBundle or path is restored at once.
 */
export class CertificateController {
  readonly #options: CertificateControllerOptions;
  readonly #certificate: CertificateSecret;
  readonly #configurations: readonly Watched[];

  constructor(options: CertificateControllerOptions) {
    const { client, log, acceptTokens, ...rest } = options;
    this.#options = options;
    this.#certificate = new CertificateSecret({
      ...rest,
      client,
      log,
      name: SECRET_NAME,
      owner: 'the webhook',
      expiry: certificateExpiry,
    });
    this.#configurations = CONFIGURATIONS.map(({ type, name, optional }) => {
      const informer = new Informer({ client, log, fieldSelector: `metadata.name=${name}`, type });
      return { name, optional, informer, live: () => informer.store.get(name) };
    });
  }

  /** Why API servers cannot call this replica yet; undefined when they can. */
  unready(): string | undefined {
    const { served } = this.#certificate;
    if (!served) return 'the webhook has no certificate yet';
    for (const { informer, name, optional, live } of this.#configurations) {
      const configuration = live();
      if (!configuration && optional) continue;
      const shown = `${informer.type.kind} ${name}`;
      if (!configuration) return `${shown} does not exist`;
      if (!isTrustedBy(configuration, served)) return `${shown} does not trust the webhook's certificate yet`;
      const pathless = withoutPath(configuration);
      if (pathless) return `${shown} has no path for ${pathless} yet`;
    }
    return undefined;
  }

  /** Runs until `signal` aborts. */
  run(signal: AbortSignal): Promise<void> {
    const reconcile = () => this.#reconcile();
    const informers = this.#configurations.map(({ informer }) => informer);
    return this.#certificate.run(signal, 'webhook-certificate', reconcile, informers);
  }

  async #reconcile(): Promise<void> {
    const { names, now, acceptTokens } = this.#options;
    const { secret, credentials } = this.#certificate;
    const tokens = tokensOf(secret);
    acceptTokens(tokens);
    const published = this.#isPublished(credentials);
    const step = decide({ credentials, names, published, now: now() });
    if (step !== 'keep') {
      await this.#certificate.renew(step);
      return;
    }
    if (!secret || !credentials) return;
    if (trusts(credentials.authorities, credentials.certificate)) this.#certificate.serve(credentials);
    const due = pathsDue(tokens, now());
    if (due.length > 0) await this.#addTokens(secret, due);
    else await this.#publish(credentials.authorities, tokens, secret);
  }

  /** The watch delivers the tokens to all replicas, which accept them before they are published. */
  async #addTokens(secret: Secret, paths: readonly SecretPath[]): Promise<void> {
    const { client, now, log } = this.#options;
    const added = paths.reduce(
      (before, path) => withToken(before, path, randomBytes(32).toString('hex'), now()),
      secret,
    );
    await client.replace(SECRETS, added);
    log.info({ paths }, 'the secret paths have new tokens');
  }

  async #publish(bundle: string, tokens: PathTokens, secret: Secret): Promise<void> {
    const { client, now } = this.#options;
    const registration = { bundle, tokens, now: now() };
    const changes = this.#configurations.flatMap(({ informer: { type }, live }) => {
      const configuration = live();
      const change = configuration && registered(configuration, registration);
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
    return this.#configurations.every(({ live }) =>
      (live()?.webhooks ?? []).every(({ clientConfig }) =>
        Buffer.from(clientConfig.caBundle ?? '', 'base64')
          .toString()
          .includes(newest.trim()),
      ),
    );
  }
}
