import { Agent, request } from 'undici';
import { JOBS } from '../../apis/run/job/types.ts';
import { REVISIONS } from '../../apis/serving/revision/types.ts';
import { SECRETS } from '../../kube/core.ts';
import { FakeApiServer } from '../../testing/fakeApiServer.ts';
import { freePort } from '../../testing/freePort.ts';
import type { AdmissionRequest, AdmissionReview } from '../admission/review.ts';
import {
  CONFIGURATION_TYPES,
  CONFIGURATIONS,
  type ConfigurationRef,
  type WebhookConfiguration,
} from '../certificates/caBundle.ts';
import { type PathToken, type SecretPath, secretPathOf, tokensOf } from '../certificates/pathTokens.ts';
import { SECRET_NAME } from '../certificates/secret.ts';
import { type Replica, ready, SYSTEM, startReplica } from './installation.ts';

/** The Secret that all replicas share. */
export const SECRET = { namespace: SYSTEM, name: SECRET_NAME };

/** Names of the webhooks in each of {@link CONFIGURATIONS}, before `.homerun.dev`. */
const HOOKS = [['lookup'], ['default'], ['validate', 'evict']];

/** Replicas of the webhook with the chart's configurations at a fake API server, and whoever reaches their port. */
export class FakeInstallation {
  readonly server: FakeApiServer;
  replicas: Replica[] = [];
  /** How far the clocks are ahead, in ms. */
  ahead = 0;
  readonly #agent = new Agent({ connect: { rejectUnauthorized: false } });

  private constructor(server: FakeApiServer) {
    this.server = server;
  }

  /** With the present chart, and no replica yet. */
  static async make(): Promise<FakeInstallation> {
    const made = new FakeInstallation(
      await FakeApiServer.start({ types: [REVISIONS, JOBS, ...CONFIGURATION_TYPES] }),
    );
    await made.chart();
    return made;
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
    await Promise.all(this.replicas.map((replica) => replica.stop()));
    await this.server.close();
  }

  /** Starts one more replica. */
  async start(): Promise<Replica> {
    const port = await freePort();
    const replica = await startReplica(this.server, { port, now: () => Date.now() + this.ahead });
    this.replicas.push(replica);
    await ready(replica);
    return replica;
  }

  /** Applies the chart's configurations, which name these paths besides those that are public. */
  async chart(paths: Partial<Record<SecretPath, string>> = {}): Promise<void> {
    const service = { name: 'homerun-webhook', namespace: SYSTEM };
    for (const [i, { type, name }] of CONFIGURATIONS.entries()) {
      const webhooks = (HOOKS[i] ?? []).map((hook) => {
        const path = secretPathOf(`${hook}.homerun.dev`) ? paths[hook as SecretPath] : `/${hook}`;
        return {
          name: `${hook}.homerun.dev`,
          clientConfig: { service: { ...service, ...(path && { path }) } },
        };
      });
      const { apiVersion, kind } = type;
      const object = { apiVersion, kind, metadata: { name }, webhooks };
      await this.server.client.apply(type, object, { fieldManager: 'helm' });
    }
  }

  /** The configuration with a webhook. */
  configurationOf(path: SecretPath): ConfigurationRef & { live: WebhookConfiguration } {
    for (const ref of CONFIGURATIONS) {
      const live = this.server.get<WebhookConfiguration>(ref.type, ref);
      if (live?.webhooks?.some(({ name }) => secretPathOf(name) === path)) return { ...ref, live };
    }
    throw new Error(`no configuration has a webhook for ${path}`);
  }

  /** The path that the configuration names. */
  named(path: SecretPath): string | undefined {
    const { webhooks = [] } = this.configurationOf(path).live;
    return webhooks.find(({ name }) => secretPathOf(name) === path)?.clientConfig.service?.path;
  }

  tokens(path: SecretPath): readonly PathToken[] {
    return tokensOf(this.server.get(SECRETS, SECRET))[path];
  }

  /** Has all replicas look again. */
  async wake(): Promise<void> {
    const labels = { at: String(this.ahead) };
    await this.server.client.mergePatch(SECRETS, SECRET, { metadata: { labels } });
  }

  /** Sends a review as an API server, or anyone, may do. */
  async review(
    path: string,
    asked: AdmissionRequest,
    replica = this.replicas[0],
  ): Promise<{ statusCode: number; body: AdmissionReview }> {
    const { statusCode, body } = await request(`https://127.0.0.1:${replica?.port}${path}`, {
      dispatcher: this.#agent,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        apiVersion: 'admission.k8s.io/v1',
        kind: 'AdmissionReview',
        request: asked,
      }),
    });
    return { statusCode, body: (await body.json()) as AdmissionReview };
  }
}
