import { equal, rejects, throws } from 'node:assert/strict';
import { createServer } from 'node:http';
import { connect, createServer as createTcpServer } from 'node:net';
import type { Dispatcher } from 'undici';
import { RegistryClient } from './client.ts';
import { ANONYMOUS, type Asking, ask, basic, keyringOf } from './testing/ask.ts';
import { CA_FILE, INDEX_DIGEST, serveError, serveIndex, startServer } from './testing/registry.ts';
import { createDispatcher } from './transport.ts';

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

  it('says that nothing listens', async () => {
    const { port } = await closedPort();
    const dispatcher = createDispatcher();
    await rejects(clientOf(dispatcher).digest(image(`127.0.0.1:${port}`), ANONYMOUS), {
      code: 'REGISTRY_UNREACHABLE',
      message: new RegExp(`registry unreachable: 127\\.0\\.0\\.1:${port} refused the connection\\.$`),
    });
    await dispatcher.destroy();
  });

  it('says that a name does not resolve', async () => {
    const dispatcher = createDispatcher();
    await rejects(clientOf(dispatcher).digest(image('registry.invalid'), ANONYMOUS), {
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
