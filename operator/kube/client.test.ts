import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { LookupFunction, Socket } from 'node:net';
import { Agent } from 'undici';
import { collectGarbage } from '../gateway/shared/garbage.ts';
import { configMap, metadata } from '../testing/builders.ts';
import { FakeApiServer, Rejection } from '../testing/fakeApiServer.ts';
import { listen } from '../testing/fakeHttp.ts';
import { until } from '../testing/until.ts';
import { KubeClient, resourcePath } from './client.ts';
import { apiAgent } from './connection.ts';
import { CONFIG_MAPS, DEPLOYMENTS, NAMESPACES } from './core.ts';
import type { KubeError } from './errors.ts';
import { KnownObjects } from './knownObjects.ts';
import { type KubeObject, namespaced } from './types.ts';

const never = new AbortController().signal;

describe('resourcePath', () => {
  const paths: Record<string, string> = {
    '/api/v1/configmaps': resourcePath(CONFIG_MAPS, {}),
    '/api/v1/namespaces/ns/configmaps/a': resourcePath(CONFIG_MAPS, { namespace: 'ns', name: 'a' }),
    '/apis/apps/v1/namespaces/ns/deployments/a/scale': resourcePath(
      DEPLOYMENTS,
      { namespace: 'ns', name: 'a' },
      'scale',
    ),
    '/api/v1/namespaces/a': resourcePath(NAMESPACES, { namespace: 'left out', name: 'a' }),
    '/api/v1/namespaces/ns/configmaps/..%2Fsecrets': resourcePath(CONFIG_MAPS, {
      namespace: 'ns',
      name: '../secrets',
    }),
  };
  for (const [expected, actual] of Object.entries(paths)) {
    it(`gives ${expected}`, () => assert.equal(actual, expected));
  }
});

describe('KubeClient', () => {
  let server: FakeApiServer;

  beforeEach(async () => {
    server = await FakeApiServer.start();
  });

  afterEach(() => server.close());

  it('shares the objects of lists that have not changed, where that is wanted', async () => {
    const widgets = namespaced('example.com/v1', 'Widget', 'widgets');
    const put = (name: string, spec: object) => {
      const { apiVersion, kind } = widgets;
      server.put({ apiVersion, kind, metadata: { name, namespace: 'a' }, spec } as KubeObject);
    };
    server.serve(widgets);
    put('a', {});
    put('b', {});
    server.put(configMap('a', 'a'));
    const client = new KubeClient(server.connection, { known: new KnownObjects() });
    const before = await client.list(widgets, { namespace: 'a' });
    put('b', { size: 2 });
    const after = await client.list(widgets, { namespace: 'a' });
    assert.equal(after.items[0], before.items[0]);
    assert.notEqual(after.resourceVersion, before.resourceVersion);
    assert.deepEqual(after, await server.client.list(widgets, { namespace: 'a' }));
    assert.deepEqual(await client.list(CONFIG_MAPS), await server.client.list(CONFIG_MAPS));
  });

  it('says why it reaches none of several addresses', async () => {
    const addresses = ['127.0.0.1', '127.0.0.2'].map((address) => ({ address, family: 4 }));
    const lookup: LookupFunction = (_name, _options, done) => done(null, addresses);
    const dispatcher = new Agent({ connect: { lookup } });
    const client = new KubeClient({ server: 'http://api.example:1', dispatcher, headers: () => ({}) });
    await assert.rejects(client.list(NAMESPACES), {
      code: 'KUBE_UNREACHABLE',
      message: 'GET /api/v1/namespaces: ECONNREFUSED',
    });
  });

  it('tells when the server answers again that was away for seconds, and nothing of a request that failed', async () => {
    const ask = () => server.client.list(NAMESPACES);
    let returns = 0;
    server.client.onReturn(() => returns++);
    await ask();
    server.failNext('reset');
    await assert.rejects(ask(), { code: 'KUBE_UNREACHABLE' });
    await ask();
    assert.equal(returns, 0);
    server.kill();
    const since = performance.now();
    await until('three seconds to pass', async () => {
      await assert.rejects(ask(), { code: 'KUBE_UNREACHABLE' });
      return performance.now() - since > 3_100;
    });
    await server.restart();
    server.failNext(new Rejection(503, 'ServiceUnavailable', 'starting'));
    await assert.rejects(ask(), { code: 'KUBE_SERVER' });
    assert.equal(returns, 0, 'it does not work yet');
    await Promise.all([ask(), ask()]);
    assert.equal(returns, 1);
  });

  it('ends what is under way, and begins nothing, once its guard says so', async () => {
    const stop = new AbortController();
    const guarded = server.client.guarded(() => stop.signal);
    await guarded.list(NAMESPACES);
    server.pause();
    const writing = guarded.create(CONFIG_MAPS, configMap('a', '1'));
    setImmediate(() => stop.abort());
    await assert.rejects(writing, { code: 'KUBE_UNREACHABLE' });
    server.resume();
    server.requests = [];
    await assert.rejects(guarded.create(CONFIG_MAPS, configMap('b', '1')), { code: 'KUBE_UNREACHABLE' });
    assert.deepEqual(
      server.requests.filter(({ method }) => method !== 'GET').map(({ path }) => path),
      [],
    );
    await server.client.list(NAMESPACES);
  });

  const codes: Record<string, { status: number; reason: string; code: string }> = {
    'a missing right': { status: 403, reason: 'Forbidden', code: 'KUBE_FORBIDDEN' },
    'a missing identity': { status: 401, reason: 'Unauthorized', code: 'KUBE_FORBIDDEN' },
    'an old version': { status: 410, reason: 'Expired', code: 'KUBE_GONE' },
    'a conflict': { status: 409, reason: 'Conflict', code: 'KUBE_CONFLICT' },
    'a name that is taken': { status: 409, reason: 'AlreadyExists', code: 'KUBE_ALREADY_EXISTS' },
    'a schema fault': { status: 422, reason: 'Invalid', code: 'KUBE_INVALID' },
    'shed load without a time': { status: 429, reason: 'TooManyRequests', code: 'KUBE_TOO_MANY_REQUESTS' },
    'a fault of the server': { status: 503, reason: 'ServiceUnavailable', code: 'KUBE_SERVER' },
  };
  for (const [name, { status, reason, code }] of Object.entries(codes)) {
    it(`has a code for ${name}: ${code}`, async () => {
      server.failNext(new Rejection(status, reason, 'what it says'));
      await assert.rejects(server.client.list(CONFIG_MAPS), (error: KubeError) => {
        assert.equal(error.code, code);
        assert.equal(error.status, status);
        assert.equal(error.reason, reason);
        assert.equal(error.message, `GET /api/v1/configmaps: ${status} what it says`);
        return true;
      });
    });
  }

  it('says that it cannot reach the server, and why', async () => {
    server.kill();
    await assert.rejects(server.client.list(CONFIG_MAPS), (error: KubeError) => {
      assert.equal(error.code, 'KUBE_UNREACHABLE');
      assert.match(error.message, /ECONNREFUSED/);
      assert.ok(error.cause);
      return true;
    });
  });

  it('waits as long as a server that sheds load asks, and tries again', async () => {
    server.put(configMap('a', '1'));
    server.failNext(new Rejection(429, 'TooManyRequests', 'slow down', 0.05), undefined, 3);
    const before = performance.now();
    assert.ok(await server.client.get(CONFIG_MAPS, metadata('a')));
    assert.ok(performance.now() - before >= 145, 'three times 50 ms');
    assert.equal(server.requests.length, 4);
  });

  it('gives up in the end when the server goes on shedding load', async () => {
    server.failNext(new Rejection(429, 'TooManyRequests', 'slow down', 0.01), undefined, 4);
    await assert.rejects(server.client.get(CONFIG_MAPS, metadata('a')), { code: 'KUBE_TOO_MANY_REQUESTS' });
  });

  it('stops when its signal aborts', async () => {
    server.pause();
    const stop = new AbortController();
    const listing = server.client.list(CONFIG_MAPS, { signal: stop.signal });
    stop.abort(new Error('enough'));
    await assert.rejects(listing, /enough/);
  });

  it('gives up on a server that says nothing', async () => {
    server.pause();
    await assert.rejects(server.client.get(CONFIG_MAPS, metadata('a'), { timeoutMs: 50 }), {
      code: 'KUBE_UNREACHABLE',
    });
  });

  describe('with a server of another kind', () => {
    /** A client of a server that answers everything with `respond`. */
    async function withServer(
      respond: (response: ServerResponse) => void,
      test: (client: KubeClient) => Promise<void>,
      known?: KnownObjects,
    ) {
      const other = await listen(0);
      other.on('request', (_request, response) => respond(response));
      const address = other.address();
      const port = typeof address === 'object' ? address?.port : 0;
      const dispatcher = apiAgent({});
      try {
        const connection = { server: `http://127.0.0.1:${port}/prefix`, dispatcher, headers: () => ({}) };
        await test(new KubeClient(connection, { known }));
      } finally {
        await dispatcher.destroy();
        other.closeAllConnections();
        other.close();
        await once(other, 'close');
      }
    }

    it('shows an answer that is not from Kubernetes', () =>
      withServer(
        (response) => response.writeHead(502).end('<html>Bad Gateway</html>'),
        async (client) => {
          const message = 'GET /api/v1/configmaps: 502 <html>Bad Gateway</html>';
          await assert.rejects(client.list(CONFIG_MAPS), { code: 'KUBE_SERVER', message });
        },
      ));

    for (const [which, known] of [
      ['', undefined],
      [', to a client that shares objects', new KnownObjects()],
    ] as const) {
      it(`shows a success that is not JSON${which}`, () =>
        withServer(
          (response) => response.end('<html>Log in</html>'),
          async (client) => {
            await assert.rejects(client.list(CONFIG_MAPS), {
              code: 'KUBE_SERVER',
              message: /not JSON: <html>Log in/,
            });
          },
          known,
        ));

      it(`says so when an answer breaks off${which}`, () =>
        withServer(
          (response) => {
            response.writeHead(200, { 'content-length': 100 }).write('{"items"');
            setImmediate(() => response.destroy());
          },
          async (client) => {
            await assert.rejects(client.list(CONFIG_MAPS), { code: 'KUBE_UNREACHABLE' });
          },
          known,
        ));
    }

    it('keeps the prefix of the server\u2019s URL', () =>
      withServer(
        (response) => response.end(JSON.stringify({ path: response.req.url })),
        async (client) => {
          const query = { a: 'b c', d: undefined };
          assert.deepEqual(await client.request('GET', '/version', { query }), {
            path: '/prefix/version?a=b+c',
          });
        },
      ));

    it('ends a watch that waits for its connection when its signal aborts', async () => {
      const dispatcher = new Agent({ connect: () => {} });
      const client = new KubeClient({ server: 'http://127.0.0.1', dispatcher, headers: () => ({}) });
      const stop = new AbortController();
      const event = client.watch(CONFIG_MAPS, {}, stop.signal).next();
      setImmediate(() => stop.abort(new Error('enough')));
      await assert.rejects(event, /enough/);
      await dispatcher.destroy();
    });

    for (const [name, respond] of Object.entries<(response: ServerResponse) => void>({
      'that is refused': (response) => response.writeHead(403).end('{}'),
      'whose server is away': (response) => response.destroy(),
      'that ends': (response) => response.end(),
      'that breaks off': (response) => response.write('{', () => response.destroy()),
    })) {
      it(`keeps nothing of a watch ${name}: it is tried again for as long as that lasts`, () =>
        withServer(respond, async ({ connection }) => {
          const used: WeakRef<object>[] = [];
          const dispatcher = connection.dispatcher.compose((dispatch) => (options, handler) => {
            const { signal } = options as { signal?: object };
            if (signal) used.push(new WeakRef(signal));
            return dispatch(options, handler);
          });
          const client = new KubeClient({ ...connection, dispatcher });
          for (let tries = 0; tries < 3; tries++) {
            await client
              .watch(CONFIG_MAPS, {}, never)
              .next()
              .catch(() => {});
          }
          assert.equal(used.length, 3);
          await until('nothing is left', () => {
            collectGarbage();
            return used.every((signal) => signal.deref() === undefined);
          });
        }));
    }

    it('reads a watch no faster than its events are taken', async () => {
      const event = `${JSON.stringify({ type: 'ADDED', object: configMap('a', 'x'.repeat(100_000)) })}\n`;
      let sent = 0;
      let blocked: Socket | null = null;
      await withServer(
        (response) => {
          const send = () => {
            while (sent < 2_000 && response.write(event)) sent++;
            if (sent < 2_000) response.once('drain', send);
            blocked = response.socket;
          };
          send();
        },
        async (client) => {
          let taken = 0;
          for await (const _ of client.watch(CONFIG_MAPS, {}, never)) {
            if (++taken > 1) break;
            // 200 MB are there to be had; what waits in sockets and buffers is all that may be read ahead.
            await until('the server is held up', () => (blocked?.writableLength ?? 0) > 0);
            const before = sent;
            await new Promise((resolve) => setTimeout(resolve, 100));
            assert.ok(sent - before < 20, `${sent - before} more were read`);
          }
          assert.ok(sent < 500, `${sent} events were read for ${taken} taken`);
        },
      );
    });
  });
});
