import { equal, rejects } from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { makeKeyring } from './keyring.ts';
import { type Asking, ask, basic, keyringOf } from './testing/ask.ts';
import {
  CA_FILE,
  type Handler,
  INDEX_DIGEST,
  pullSecret,
  serveError,
  serveIndex,
} from './testing/registry.ts';

/** A registry that wants a token from its own `/token`, which `grant` gives or refuses. */
function bearerRegistry(
  grant: (request: IncomingMessage, url: URL, response: ServerResponse) => void,
): Handler {
  return (request, response) => {
    const url = new URL(request.url ?? '/', `http://${request.headers.host}`);
    if (url.pathname === '/token') return grant(request, url, response);
    if (request.headers.authorization === 'Bearer good') return serveIndex(request, response);
    const realm = `Bearer realm="${url.origin}/token",service="test",scope="repository:team/app:pull"`;
    serveError(response, 401, 'UNAUTHORIZED', { 'www-authenticate': realm });
  };
}

describe('RegistryClient: authentication', () => {
  it('gets a token anonymously for a public image', async () => {
    const seen: string[] = [];
    const { digest } = await ask({
      handler: bearerRegistry((request, url, response) => {
        seen.push(`${url.search} ${request.headers.authorization ?? 'anonymous'}`);
        response.end(JSON.stringify({ token: 'good' }));
      }),
    });
    equal(digest, INDEX_DIGEST);
    equal(seen.join(), '?service=test&scope=repository%3Ateam%2Fapp%3Apull anonymous');
  });

  it('gets a token with the credentials of the pull secret', async () => {
    const { digest } = await ask({
      keyring: (host) => keyringOf(host, 'ann'),
      handler: bearerRegistry((request, _, response) => {
        if (request.headers.authorization !== basic('ann')) return serveError(response, 401, 'UNAUTHORIZED');
        response.end(JSON.stringify({ access_token: 'good', expires_in: 60 }));
      }),
    });
    equal(digest, INDEX_DIGEST);
  });

  it('exchanges an identity token', async () => {
    let form = '';
    const { digest } = await ask({
      keyring: (host) => makeKeyring([pullSecret('acr', { [host]: { identitytoken: 'refresh-me' } })]),
      handler: bearerRegistry((request, _, response) => {
        request.on('data', (chunk) => {
          form += chunk;
        });
        request.on('end', () => response.end(JSON.stringify({ access_token: 'good' })));
      }),
    });
    equal(digest, INDEX_DIGEST);
    const fields = new URLSearchParams(form);
    equal(fields.get('grant_type'), 'refresh_token');
    equal(fields.get('refresh_token'), 'refresh-me');
    equal(fields.get('scope'), 'repository:team/app:pull');
  });

  it('uses a registry token as it is', async () => {
    const { digest, requests } = await ask({
      keyring: (host) => makeKeyring([pullSecret('own', { [host]: { registrytoken: 'good' } })]),
      handler: bearerRegistry((_, __, response) => response.writeHead(500).end()),
    });
    equal(digest, INDEX_DIGEST);
    equal(requests.length, 2);
  });

  it('answers a Basic challenge', async () => {
    const { digest } = await ask({
      keyring: (host) => keyringOf(host, 'ann'),
      handler: (request, response) => {
        if (request.headers.authorization === basic('ann')) return serveIndex(request, response);
        serveError(response, 401, 'UNAUTHORIZED', { 'www-authenticate': 'Basic realm="registry"' });
      },
    });
    equal(digest, INDEX_DIGEST);
  });

  it('tries each matching secret, then says which were refused', async () => {
    const tried: string[] = [];
    const asking: Asking = {
      keyring: (host) => keyringOf(host, 'ann', 'bob'),
      handler: bearerRegistry((request, _, response) => {
        tried.push(request.headers.authorization ?? '');
        serveError(response, 401, 'UNAUTHORIZED');
      }),
    };
    await rejects(ask(asking), {
      code: 'REGISTRY_UNAUTHORIZED',
      message:
        /^Image '127.*team\/app:latest' is private or does not exist: its token service 127\.0\.0\.1:\d+ answered 401 with the credentials of secret "of-ann", "of-bob"\.$/,
    });
    equal(tried.join(), [basic('ann'), basic('bob')].join());
  });

  it('succeeds with the second secret when the first is refused', async () => {
    const { digest } = await ask({
      keyring: (host) => keyringOf(host, 'ann', 'bob'),
      handler: bearerRegistry((request, _, response) => {
        if (request.headers.authorization !== basic('bob')) return serveError(response, 403, 'DENIED');
        response.end(JSON.stringify({ token: 'good' }));
      }),
    });
    equal(digest, INDEX_DIGEST);
  });

  it('names the secrets that are for other registries or missing', async () => {
    const asking: Asking = {
      keyring: () =>
        makeKeyring(
          [pullSecret('other', { 'r.example': { username: 'ann', password: 'pw' } })],
          ['secret "gone" does not exist'],
        ),
      handler: (_, response) =>
        serveError(response, 401, 'UNAUTHORIZED', { 'www-authenticate': 'Basic realm="r"' }),
    };
    await rejects(ask(asking), {
      code: 'REGISTRY_UNAUTHORIZED',
      message:
        /answered 401 to an anonymous request and none of the pull secrets \("other"\) is for it; secret "gone" does not exist\.$/,
    });
  });

  it('says so when no pull secret was named at all', async () => {
    const asking: Asking = { handler: (_, response) => serveError(response, 403, 'DENIED') };
    await rejects(ask(asking), {
      code: 'REGISTRY_UNAUTHORIZED',
      message: /answered 403 \(DENIED: denied\) to an anonymous request and no pull secret is for it\.$/,
    });
  });

  it('never follows an HTTPS registry to a token service on plain HTTP', async () => {
    const asking: Asking = {
      tls: true,
      caFile: CA_FILE,
      handler: (_, response) =>
        serveError(response, 401, 'UNAUTHORIZED', {
          'www-authenticate': 'Bearer realm="http://127.0.0.1:1/token"',
        }),
    };
    await rejects(ask(asking), {
      code: 'REGISTRY_ANSWER',
      message: /names a token service that is not HTTPS/,
    });
  });

  it('says when the token service gives no token', async () => {
    const asking: Asking = { handler: bearerRegistry((_, __, response) => response.end('<html>')) };
    await rejects(ask(asking), { code: 'REGISTRY_ANSWER', message: /answered 200 without a token\.$/ });
  });
});
