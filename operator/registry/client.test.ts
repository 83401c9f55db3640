import { equal, ok, rejects, throws } from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, createServer as createTcpServer } from 'node:net';
import type { Dispatcher } from 'undici';
import { RegistryClient } from './client.ts';
import { type Keyring, makeKeyring } from './keyring.ts';
import {
  CA_FILE,
  digestOf,
  type Handler,
  INDEX,
  INDEX_DIGEST,
  INDEX_TYPE,
  pullSecret,
  serveError,
  serveIndex,
  startServer,
} from './testing/registry.ts';
import { createDispatcher } from './transport.ts';

const NOBODY = makeKeyring([]);
const basic = (user: string) => `Basic ${Buffer.from(`${user}:pw`).toString('base64')}`;
const keyringOf = (host: string, ...users: string[]): Keyring =>
  makeKeyring(users.map((user) => pullSecret(`of-${user}`, { [host]: { username: user, password: 'pw' } })));

interface Asking {
  handler: Handler;
  tls?: boolean;
  address?: string;
  caFile?: string;
  insecure?: string[];
  keyring?: (host: string) => Keyring;
  tag?: string;
  timeoutMs?: number;
}

/** Asks one server of its own for `team/app`; gives the digest and the requests that arrived. */
async function ask(asking: Asking): Promise<{ digest: string; requests: string[] }> {
  await using server = await startServer(asking.handler, { tls: asking.tls, address: asking.address });
  const dispatcher = createDispatcher(asking.caFile);
  try {
    const client = new RegistryClient({
      dispatcher,
      insecure: asking.insecure ?? (asking.tls ? [] : [server.host]),
      timeoutMs: asking.timeoutMs ?? 5000,
    });
    const image = { registry: server.host, repository: 'team/app', tag: asking.tag };
    const digest = await client.digest(image, asking.keyring?.(server.host) ?? NOBODY);
    return { digest, requests: server.requests };
  } finally {
    await dispatcher.destroy();
  }
}

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

describe('RegistryClient: the manifest', () => {
  it('takes the digest from HEAD alone', async () => {
    const { digest, requests } = await ask({ handler: serveIndex, tag: 'v1' });
    equal(digest, INDEX_DIGEST);
    equal(requests.join(), 'HEAD /v2/team/app/manifests/v1');
  });

  it('asks for latest when there is no tag', async () => {
    const { requests } = await ask({ handler: serveIndex });
    equal(requests.join(), 'HEAD /v2/team/app/manifests/latest');
  });

  it('accepts indexes and single manifests of both kinds', async () => {
    let accept = '';
    await ask({
      handler: (request, response) => {
        accept = request.headers.accept ?? '';
        serveIndex(request, response);
      },
    });
    for (const type of [
      'oci.image.index.v1',
      'oci.image.manifest.v1',
      'manifest.list.v2',
      'distribution.manifest.v2',
    ])
      ok(accept.includes(type), `${type} is asked for`);
  });

  it('hashes the manifest when HEAD names no digest', async () => {
    const { digest, requests } = await ask({
      handler: (_, response) => response.writeHead(200, { 'content-type': INDEX_TYPE }).end(INDEX),
    });
    equal(digest, INDEX_DIGEST);
    equal(requests.length, 2);
  });

  it('uses GET where HEAD is not known', async () => {
    const { digest } = await ask({
      handler: (request, response) =>
        request.method === 'HEAD' ? response.writeHead(405).end() : serveIndex(request, response),
    });
    equal(digest, INDEX_DIGEST);
  });

  it('keeps the named digest of a signed schema 1 manifest, which has another hash', async () => {
    const named = digestOf('unsigned part');
    const { digest } = await ask({
      handler: (request, response) => {
        if (request.method === 'HEAD') return response.writeHead(405).end();
        const type = 'application/vnd.docker.distribution.manifest.v1+prettyjws';
        response.writeHead(200, { 'content-type': type, 'docker-content-digest': named });
        response.end(JSON.stringify({ schemaVersion: 1, signatures: [] }));
      },
    });
    equal(digest, named);
  });
});

describe('RegistryClient: authentication', () => {
  it('gets a token anonymously for a public image', async () => {
    const seen: string[] = [];
    const { digest } = await ask({
      handler: bearerRegistry((request, url, response) => {
        seen.push(`${url.search} ${request.headers.authorization ?? 'nobody'}`);
        response.end(JSON.stringify({ token: 'good' }));
      }),
    });
    equal(digest, INDEX_DIGEST);
    equal(seen.join(), '?service=test&scope=repository%3Ateam%2Fapp%3Apull nobody');
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
        makeKeyring([pullSecret('other', { 'r.example': { username: 'ann', password: 'pw' } })], ['gone']),
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

describe('RegistryClient: failures', () => {
  it('says that an image is not found, in the words of the registry', async () => {
    const asking: Asking = {
      handler: (_, response) => serveError(response, 404, 'MANIFEST_UNKNOWN'),
      tag: 'v9',
    };
    await rejects(ask(asking), {
      code: 'IMAGE_NOT_FOUND',
      message:
        /^Image '127\.0\.0\.1:\d+\/team\/app:v9' not found: 127\.0\.0\.1:\d+ answered 404 \(MANIFEST_UNKNOWN: manifest unknown\)\.$/,
    });
  });

  it('ends at the deadline when the registry does not answer', async () => {
    await rejects(ask({ handler: () => {}, timeoutMs: 100 }), {
      code: 'REGISTRY_TIMEOUT',
      message: /did not answer within 0\.1 s\.$/,
    });
  });

  it('ends at the deadline when the manifest never ends', async () => {
    const asking: Asking = {
      timeoutMs: 200,
      handler: (request, response) => {
        response.writeHead(200, { 'content-type': INDEX_TYPE });
        if (request.method === 'HEAD') response.end();
        else response.write('{');
      },
    };
    await rejects(ask(asking), { code: 'REGISTRY_TIMEOUT' });
  });

  it('says how long the registry wants to be left alone', async () => {
    const asking: Asking = {
      handler: (_, response) => response.writeHead(429, { 'retry-after': '30' }).end(),
    };
    await rejects(ask(asking), { code: 'REGISTRY_ANSWER', retryAfterMs: 30_000, message: /answered 429\.$/ });
  });

  const answers: Record<string, { reason: string; handler: Handler; want: RegExp }> = {
    'server error': {
      reason: 'the registry itself is broken',
      handler: (_, response) => serveError(response, 500, 'UNKNOWN'),
      want: /answered 500 \(UNKNOWN: unknown\)\.$/,
    },
    'no manifest': {
      reason: 'a sign-in page answers every path with 200',
      handler: (_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
      want: /answered with text\/html that is no image manifest\.$/,
    },
    'wrong digest': {
      reason: 'a digest that does not fit the bytes must not be started',
      handler: (request, response) => {
        if (request.method === 'HEAD') return response.writeHead(405).end();
        response.writeHead(200, { 'docker-content-digest': digestOf('other') }).end(INDEX);
      },
      want: /names digest sha256:\w+, but the manifest has sha256:\w+\.$/,
    },
    'endless manifest': {
      reason: 'a manifest has 4 MiB at most',
      handler: (request, response) => {
        response.writeHead(200, { 'content-type': INDEX_TYPE });
        response.end(request.method === 'HEAD' ? undefined : Buffer.alloc(5 * 1024 * 1024, ' '));
      },
      want: /the manifest is too large/,
    },
    'schema 1 without a digest': {
      reason: 'nothing but the registry can tell its digest',
      handler: (request, response) => {
        response.writeHead(200, { 'content-type': 'application/vnd.docker.distribution.manifest.v1+json' });
        response.end(request.method === 'HEAD' ? undefined : JSON.stringify({ schemaVersion: 1 }));
      },
      want: /schema 1 manifest without a digest/,
    },
  };
  for (const [name, { reason, handler, want }] of Object.entries(answers)) {
    it(name, async () => {
      await rejects(ask({ handler }), { code: 'REGISTRY_ANSWER', message: want }, reason);
    });
  }
});

describe('RegistryClient: connections', () => {
  const image = (registry: string) => ({ registry, repository: 'team/app' });
  const clientOf = (dispatcher: Dispatcher, insecure: string[] = []) =>
    new RegistryClient({ dispatcher, insecure, timeoutMs: 5000 });

  it('trusts the authorities of caFile', async () => {
    equal((await ask({ handler: serveIndex, tls: true, caFile: CA_FILE })).digest, INDEX_DIGEST);
  });

  it('names caFile when the certificate is not trusted', async () => {
    await rejects(ask({ handler: serveIndex, tls: true }), {
      code: 'REGISTRY_UNREACHABLE',
      message:
        /the certificate of 127\.0\.0\.1:\d+ is not from a trusted authority \(name its authority in registry\.caFile\)\.$/,
    });
  });

  it('names registry.insecure when the registry speaks plain HTTP', async () => {
    await rejects(ask({ handler: serveIndex, insecure: [] }), {
      code: 'REGISTRY_UNREACHABLE',
      message: /does not speak TLS \(if it is a plain HTTP registry, add it to registry\.insecure\)\.$/,
    });
  });

  it('says that nobody listens', async () => {
    const { port } = await closedPort();
    const dispatcher = createDispatcher();
    await rejects(clientOf(dispatcher).digest(image(`127.0.0.1:${port}`), NOBODY), {
      code: 'REGISTRY_UNREACHABLE',
      message: new RegExp(`registry unreachable: 127\\.0\\.0\\.1:${port} refused the connection\\.$`),
    });
    await dispatcher.destroy();
  });

  it('says that a name does not resolve', async () => {
    const dispatcher = createDispatcher();
    await rejects(clientOf(dispatcher).digest(image('registry.invalid'), NOBODY), {
      code: 'REGISTRY_UNREACHABLE',
      message: /the name registry\.invalid (does not resolve|could not be resolved now)\.$/,
    });
    await dispatcher.destroy();
  });

  it('says that the connection was closed', async () => {
    await rejects(ask({ handler: (request) => request.socket.destroy() }), {
      code: 'REGISTRY_UNREACHABLE',
      message: /closed the connection\.$/,
    });
  });

  it('follows a redirect to another host without the credentials', async () => {
    let leaked: string | undefined = 'not asked';
    await using storage = await startServer((request, response) => {
      leaked = request.headers.authorization;
      serveIndex(request, response);
    });
    const { digest } = await ask({
      keyring: (host) => keyringOf(host, 'ann'),
      handler: (request, response) => {
        if (!request.headers.authorization)
          return serveError(response, 401, 'UNAUTHORIZED', { 'www-authenticate': 'Basic realm="r"' });
        response.writeHead(307, { location: `http://${storage.host}${request.url}` }).end();
      },
    });
    equal(digest, INDEX_DIGEST);
    equal(leaked, undefined);
  });

  it('keeps the credentials on a redirect within the registry', async () => {
    const { digest } = await ask({
      keyring: (host) => keyringOf(host, 'ann'),
      handler: (request, response) => {
        if (request.headers.authorization !== basic('ann'))
          return serveError(response, 401, 'UNAUTHORIZED', { 'www-authenticate': 'Basic realm="r"' });
        if (request.url?.startsWith('/moved')) return serveIndex(request, response);
        response.writeHead(302, { location: `/moved${request.url}` }).end();
      },
    });
    equal(digest, INDEX_DIGEST);
  });

  it('does not follow a redirect from HTTPS to HTTP', async () => {
    await using storage = await startServer(serveIndex);
    const asking: Asking = {
      tls: true,
      caFile: CA_FILE,
      handler: (_, response) => response.writeHead(307, { location: `http://${storage.host}/` }).end(),
    };
    await rejects(ask(asking), {
      code: 'REGISTRY_ANSWER',
      message: /redirect from https:.* which is not HTTPS\.$/,
    });
    equal(storage.requests.length, 0);
  });

  it('ends a circle of redirects', async () => {
    const asking: Asking = {
      handler: (request, response) => response.writeHead(307, { location: request.url }).end(),
    };
    await rejects(ask(asking), { code: 'REGISTRY_ANSWER', message: /more than 5 redirects\.$/ });
  });

  it('says that a certificate is for another name', async () => {
    await rejects(ask({ handler: serveIndex, tls: true, caFile: CA_FILE, address: '127.0.0.2' }), {
      code: 'REGISTRY_UNREACHABLE',
      message: /the certificate of 127\.0\.0\.2:\d+ is for another name\.$/,
    });
  });

  it('refuses a caFile that cannot be read', () => {
    const message = 'configuration: registry.caFile "/missing.pem" cannot be read';
    throws(() => createDispatcher('/missing.pem'), { code: 'REGISTRY_CA', message });
  });

  describe('behind a proxy', () => {
    const names = ['HTTPS_PROXY', 'HTTP_PROXY', 'NO_PROXY', 'https_proxy', 'http_proxy', 'no_proxy'];
    let saved: (string | undefined)[] = [];
    beforeEach(() => {
      saved = names.map((name) => process.env[name]);
      for (const name of names) delete process.env[name];
    });
    afterEach(() => {
      for (const [index, name] of names.entries()) {
        if (saved[index] === undefined) delete process.env[name];
        else process.env[name] = saved[index];
      }
    });

    it('tunnels through HTTPS_PROXY with the authorities of caFile', async () => {
      await using proxy = await startProxy();
      process.env.HTTPS_PROXY = proxy.url;
      equal((await ask({ handler: serveIndex, tls: true, caFile: CA_FILE })).digest, INDEX_DIGEST);
      equal(proxy.tunnels.length, 1);
    });

    it('goes around it for NO_PROXY', async () => {
      await using proxy = await startProxy();
      process.env.HTTPS_PROXY = proxy.url;
      process.env.NO_PROXY = '127.0.0.1';
      equal((await ask({ handler: serveIndex, tls: true, caFile: CA_FILE })).digest, INDEX_DIGEST);
      equal(proxy.tunnels.length, 0);
    });
  });
});

async function closedPort(): Promise<{ port: number }> {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return { port };
}

async function startProxy() {
  const tunnels: string[] = [];
  const server = createServer();
  server.on('connect', (request, socket) => {
    tunnels.push(request.url ?? '');
    const [host, port] = (request.url ?? '').split(':');
    const upstream = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      upstream.pipe(socket).pipe(upstream);
    });
    upstream.on('error', () => socket.destroy());
    socket.on('error', () => upstream.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    tunnels,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
