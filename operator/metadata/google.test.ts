import { deepEqual, equal, match, rejects } from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { GoogleAuth, gcpMetadata } from 'google-auth-library';
import { Harness } from './testing/harness.ts';
import { account, instance } from './testing/pods.ts';
import { claimsOf } from './testing/token.ts';

/** What Homerun puts into containers, and what Cloud Run does; the host is this test's. */
const SERVICE = { K_SERVICE: 'hello', K_CONFIGURATION: 'hello', K_REVISION: 'hello-00001-abc' };
const CLEAN = { GOOGLE_APPLICATION_CREDENTIALS: '', CLOUDSDK_CONFIG: '/nonexistent', NO_GCE_CHECK: '' };

/** The client library that @google-cloud packages for Node use, as a program in an instance would use it. */
describe('google-auth-library', () => {
  let harness: Harness;
  let kept: NodeJS.ProcessEnv;

  async function runInInstance(env: Record<string, string>, settings: object = {}): Promise<void> {
    harness = await Harness.start(settings, (api) => {
      api.put(account('shop', 'worker'));
      api.put(instance('hello', { ip: '127.0.0.1' }));
    });
    const host = new URL(harness.origin).host;
    Object.assign(process.env, CLEAN, env, { GCE_METADATA_HOST: host, GCE_METADATA_IP: host });
    gcpMetadata.resetIsAvailableCache();
    gcpMetadata.setGCPResidency();
  }

  beforeEach(() => {
    kept = { ...process.env };
  });

  afterEach(async () => {
    for (const name of Object.keys(process.env)) if (!(name in kept)) delete process.env[name];
    Object.assign(process.env, kept);
    await harness.close();
  });

  it('finds the server where no variable announces one, as in a worker pool', async () => {
    await runInInstance({});
    equal(gcpMetadata.getGCPResidency(), false);
    equal(await gcpMetadata.isAvailable(), true);
    equal(await new GoogleAuth().getProjectId(), 'shop');
  });

  it('detects Cloud Run', async () => {
    await runInInstance(SERVICE);
    const auth = new GoogleAuth();
    equal(await auth.getEnv(), 'CLOUD_RUN');
    deepEqual(await auth.getCredentials(), {
      client_email: 'worker@shop.iam.gserviceaccount.com',
      universe_domain: 'googleapis.com',
    });
    equal(
      await gcpMetadata.instance('region').then(String),
      (await gcpMetadata.instance('region')) as string,
    );
    match(await gcpMetadata.instance('id'), /^00[0-9a-f]{128}$/);
    const everything = await gcpMetadata.bulk([
      { metadataKey: 'project', params: { recursive: 'true' } },
    ] as const);
    equal((everything.project as { projectId: string }).projectId, 'shop');
  });

  it('gets identity tokens', async () => {
    await runInInstance(SERVICE);
    const client = await new GoogleAuth().getIdTokenClient('https://other.example');
    const authorization = (await client.getRequestHeaders()).get('authorization') ?? '';
    const { aud, sub } = claimsOf(authorization);
    deepEqual([aud, sub], [['https://other.example'], 'system:serviceaccount:shop:worker']);
  });

  it('shows what to configure for access tokens', async () => {
    await runInInstance(SERVICE);
    await rejects(new GoogleAuth().getAccessToken(), /Could not refresh access token.*/s);
  });

  describe('with workload identity', () => {
    let sts: Server;

    before(async () => {
      const token = { access_token: 'federated', expires_in: 3600, token_type: 'Bearer' };
      sts = createServer((_request, response) => response.end(JSON.stringify(token)));
      await new Promise<void>((resolve) => sts.listen(0, '127.0.0.1', resolve));
    });

    after(() => sts.close());

    it('gets access tokens', async () => {
      const tokenUrl = `http://127.0.0.1:${(sts.address() as AddressInfo).port}/v1/token`;
      await runInInstance(SERVICE, { metadata: { workloadIdentity: { audience: '//provider', tokenUrl } } });
      equal(await new GoogleAuth().getAccessToken(), 'federated');
    });
  });
});
