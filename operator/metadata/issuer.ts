import { type Dispatcher, EnvHttpProxyAgent } from 'undici';
import type { Config } from '../config.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Pod } from '../kube/core.ts';
import { metadataTokenDuration } from '../telemetry/metrics.ts';
import { type Token, TokenCache } from './cache.ts';
import { exchangeAudience, exchangeToken } from './exchange.ts';
import { requestToken } from './tokens.ts';

/** No source of access tokens is configured. */
export class NoAccessTokensError extends Error {
  override readonly name = 'NoAccessTokensError';
  readonly code = 'NO_ACCESS_TOKENS';
}

export interface IssuerOptions {
  client: Pick<KubeClient, 'request'>;
  config: Config['metadata']['workloadIdentity'];
  now?: () => number;
  /** Connections to the token service; HTTPS_PROXY and NO_PROXY are honoured when left out. */
  dispatcher?: Dispatcher;
}

/** Gets tokens for pods and caches them while they are valid. */
export class Issuer {
  readonly #client: IssuerOptions['client'];
  readonly #config: IssuerOptions['config'];
  readonly #now: () => number;
  readonly #dispatcher: Dispatcher;
  readonly #cache: TokenCache;

  constructor({ client, config, now = Date.now, dispatcher }: IssuerOptions) {
    this.#client = client;
    this.#config = config;
    this.#now = now;
    this.#dispatcher = dispatcher ?? new EnvHttpProxyAgent({ allowH2: false });
    this.#cache = new TokenCache(now);
  }

  /**
   * A token that proves the pod's identity to one audience.
   * @throws {KubeError} when the API server gives none.
   */
  identity({ pod, audience }: { pod: Pod; audience: string }): Promise<Token> {
    return this.#cache.get(pod.metadata.uid ?? '', `identity ${audience}`, () =>
      timed('cluster', () => requestToken(this.#client, pod, audience)),
    );
  }

  /**
   * A token for Google Cloud.
   * @throws {NoAccessTokensError} when `metadata.workloadIdentity` is not configured; {ExchangeError} and
   *   {KubeError} when one of the services gives none.
   */
  async access({ pod, scopes, email }: { pod: Pod; scopes: string[]; email: string }): Promise<Token> {
    const config = this.#config;
    if (!config.audience) {
      throw new NoAccessTokensError(
        'this cluster gives no access tokens for Google Cloud: set the chart value metadata.workloadIdentity.audience to a provider of workload identity federation that trusts the cluster’s OIDC issuer',
      );
    }
    const subjectFor = { pod, audience: exchangeAudience(config) };
    return this.#cache.get(pod.metadata.uid ?? '', `access ${scopes.join(' ')}`, async () => {
      const { value: subject } = await this.identity(subjectFor);
      const request = { subject, scopes, email, dispatcher: this.#dispatcher, now: this.#now };
      return timed('exchange', () => exchangeToken(config, request));
    });
  }

  /** Drops the tokens of a deleted pod. */
  forget(podUid: string): void {
    this.#cache.forget(podUid);
  }
}

async function timed<T>(source: 'cluster' | 'exchange', work: () => Promise<T>): Promise<T> {
  const done = metadataTokenDuration.startTimer({ source });
  try {
    const made = await work();
    done({ result: 'ok' });
    return made;
  } catch (error) {
    done({ result: 'error' });
    throw error;
  }
}
