import { deepEqual, equal, rejects } from 'node:assert/strict';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseConfig } from '../config.ts';
import { FakeApiServer } from '../testing/fakeApiServer.ts';
import { Issuer } from './issuer.ts';
import { account, instance } from './testing/pods.ts';
import { claimsOf } from './testing/token.ts';

const PROVIDER = '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/x';
const EMAIL = 'worker@shop.iam.gserviceaccount.com';

interface Seen {
  path?: string;
  authorization?: string;
  body: string;
}

/** The token service and the impersonation of Google, as far as they answer. */
class Google {
  readonly seen: Seen[] = [];
  answers: [status: number, body: string][] = [];
  readonly #server: Server;

  constructor() {
    this.#server = createServer(async (request: IncomingMessage, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      this.seen.push({ path: request.url, authorization: request.headers.authorization, body });
      const [status, answer] = this.answers.shift() ?? [500, 'not expected'];
      response.writeHead(status, { 'content-type': 'application/json' }).end(answer);
    });
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

describe('access tokens by workload identity federation', () => {
  let api: FakeApiServer;
  let google: Google;
  let origin: string;
  let now: number;
  const pod = instance('hello', { ip: '10.0.0.5' });

  beforeEach(async () => {
    api = await FakeApiServer.start();
    api.put(account('shop', 'worker'));
    api.put(pod);
    google = new Google();
    origin = await google.start();
    now = Date.now();
  });

  afterEach(async () => {
    google.stop();
    await api.close();
  });

  function issuer(changes: object = {}): Issuer {
    const workloadIdentity = { audience: PROVIDER, tokenUrl: `${origin}/v1/token`, ...changes };
    const { metadata } = parseConfig({ metadata: { workloadIdentity } });
    return new Issuer({ client: api.client, config: metadata.workloadIdentity, now: () => now });
  }

  const granted = (token: string): [number, string] => [
    200,
    JSON.stringify({ access_token: token, expires_in: 3600, token_type: 'Bearer' }),
  ];

  it('exchanges a token of the pod for the provider’s audience', async () => {
    google.answers = [granted('federated')];
    const token = await issuer().access({ pod, scopes: ['a', 'b'], email: EMAIL });
    deepEqual(token, { value: 'federated', expiresAt: now + 3_600_000 });
    const [seen] = google.seen;
    equal(seen?.path, '/v1/token');
    const { subject_token, ...form } = Object.fromEntries(new URLSearchParams(seen?.body));
    deepEqual(form, {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      audience: PROVIDER,
      scope: 'a b',
      requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    });
    const claims = claimsOf(subject_token ?? '');
    deepEqual([claims.aud, claims.sub], [[`https:${PROVIDER}`], 'system:serviceaccount:shop:worker']);
  });

  it('acts as the service account where that is configured', async () => {
    const expireTime = new Date(now + 1_800_000).toISOString();
    google.answers = [granted('federated'), [200, JSON.stringify({ accessToken: 'acting', expireTime })]];
    const impersonationUrl = `${origin}/v1/projects/-/serviceAccounts/{email}:generateAccessToken`;
    const token = await issuer({ impersonationUrl, tokenAudience: 'mine' }).access({
      pod,
      scopes: [],
      email: EMAIL,
    });
    deepEqual(token, { value: 'acting', expiresAt: Date.parse(expireTime) });
    const [, seen] = google.seen;
    equal(seen?.path, `/v1/projects/-/serviceAccounts/${encodeURIComponent(EMAIL)}:generateAccessToken`);
    equal(seen?.authorization, 'Bearer federated');
    deepEqual(JSON.parse(seen?.body ?? ''), {
      scope: ['https://www.googleapis.com/auth/cloud-platform'],
      lifetime: '3600s',
    });
  });

  it('keeps tokens by pod and scopes', async () => {
    google.answers = [granted('one'), granted('two'), granted('three')];
    const source = issuer();
    const ask = async (scopes: string[]) => (await source.access({ pod, scopes, email: EMAIL })).value;
    deepEqual(
      [await ask([]), await ask([]), await ask(['a']), await ask(['a'])],
      ['one', 'one', 'two', 'two'],
    );
    now += 3_301_000;
    equal(await ask([]), 'three');
    source.forget(pod.metadata.uid ?? '');
    google.answers = [granted('four')];
    equal(await ask([]), 'four');
  });

  it('returns the error of the service, and asks again the next time', async () => {
    google.answers = [[400, '{"error":"invalid_target"}'], [200, 'no JSON'], [200, '{}'], granted('late')];
    const source = issuer();
    const ask = () => source.access({ pod, scopes: [], email: EMAIL });
    await rejects(ask(), { code: 'TOKEN_EXCHANGE', status: 400, message: /answered 400: .*invalid_target/ });
    await rejects(ask(), { code: 'TOKEN_EXCHANGE', message: /no JSON/ });
    await rejects(ask(), { code: 'TOKEN_EXCHANGE', message: /without access_token/ });
    equal((await ask()).value, 'late');
    google.stop();
    source.forget(pod.metadata.uid ?? '');
    await rejects(ask(), { code: 'TOKEN_EXCHANGE', status: 0, message: /does not answer/ });
  });
});
