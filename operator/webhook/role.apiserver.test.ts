import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Agent, request } from 'undici';
import { SECRETS } from '../kube/core.ts';
import type { ApiServer } from '../testing/apiServer.ts';
import { freePort } from '../testing/freePort.ts';
import { giveBackApiServer, takeApiServer } from '../testing/sharedApiServer.ts';
import { until } from '../testing/until.ts';
import type { AdmissionReview } from './admission/review.ts';
import { CONFIGURATION_TYPES } from './certificates/caBundle.ts';
import { SECRET_NAME } from './certificates/secret.ts';
import { NAMESPACE, register, SYSTEM } from './testing/installation.ts';
import { objectOf, requestFor } from './testing/requests.ts';

const MAIN = resolve(import.meta.dirname, '../main.ts');
const APP = 'spec: {template: {spec: {containers: [{image: app}]}}}';
const WRONG = 'spec: {template: {spec: {timeoutSeconds: -1, containers: [{image: app}]}}}';

/** A process of the role. */
interface Replica {
  child: ChildProcess;
  port: number;
  adminPort: number;
}

describe('the webhook role on a real API server, with no other role', () => {
  let server: ApiServer;
  let folder: string;
  let replicas: Replica[] = [];

  before(async () => {
    server = await takeApiServer(SYSTEM, NAMESPACE);
    folder = mkdtempSync(join(tmpdir(), 'homerun-webhook-'));
    await register(server, await freePort());
    replicas = await Promise.all([start(), start()]);
    await Promise.all(replicas.map((each) => until('it is ready', () => isReady(each))));
  });
  after(async () => {
    for (const { child } of replicas) child.kill('SIGKILL');
    await giveBackApiServer(server);
    if (folder) rmSync(folder, { recursive: true });
  });

  async function start(): Promise<Replica> {
    const [port, adminPort] = [await freePort(), await freePort()];
    const config = join(folder, `${port}.json`);
    writeFileSync(config, JSON.stringify({ adminPort, webhook: { port } }));
    const env = {
      ...process.env,
      KUBECONFIG: server.kubeconfig,
      HOMERUN_CONFIG: config,
      POD_NAMESPACE: SYSTEM,
    };
    const child = spawn(process.execPath, [MAIN, 'webhook'], { env, stdio: 'ignore' });
    return { child, port, adminPort };
  }

  const isReady = async ({ adminPort }: Replica) => {
    const answer = await fetch(`http://127.0.0.1:${adminPort}/readyz`).catch(() => undefined);
    return answer?.ok;
  };

  /** Asks as an API server does: over TLS, trusting what stands in the configuration. */
  async function ask({ port }: Replica, yaml: string) {
    const configuration = await server.client.get(CONFIGURATION_TYPES[0], { name: 'homerun-webhook' });
    const ca = Buffer.from(configuration?.webhooks?.[0]?.clientConfig.caBundle ?? '', 'base64').toString();
    const dispatcher = new Agent({ connect: { ca, servername: `homerun-webhook.${SYSTEM}.svc` } });
    const review = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' };
    const answer = await request(`https://127.0.0.1:${port}/validate`, {
      dispatcher,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...review, request: requestFor(objectOf(yaml)) }),
    });
    const { response } = (await answer.body.json()) as AdmissionReview;
    await dispatcher.close();
    return { connection: answer.headers.connection, allowed: response?.allowed };
  }

  it('makes one certificate for all replicas, and each of them answers', async () => {
    assert.ok(await server.client.get(SECRETS, { namespace: SYSTEM, name: SECRET_NAME }));
    for (const replica of replicas) {
      assert.equal((await ask(replica, APP)).allowed, true);
      assert.equal((await ask(replica, WRONG)).allowed, false);
    }
  });

  it('exports its metrics', async () => {
    const [first] = replicas as [Replica];
    const metrics = await (await fetch(`http://127.0.0.1:${first.adminPort}/metrics`)).text();
    assert.match(
      metrics,
      /^homerun_admission_reviews_total\{path="validate",kind="Service",result="rejected"\} 1$/m,
    );
    assert.match(metrics, /^homerun_webhook_certificate_expiry_timestamp_seconds \d/m);
  });

  it('goes on answering after it was asked to end, and ends well', async () => {
    const [first] = replicas as [Replica];
    const ended = once(first.child, 'exit');
    first.child.kill('SIGTERM');
    const drained = await until('it asks API servers to leave', async () => {
      const answer = await ask(first, APP);
      return answer.connection === 'close' && answer;
    });
    assert.equal(drained.allowed, true);
    assert.deepEqual(await ended, [0, null]);
  });
});
