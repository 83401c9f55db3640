import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Agent, ProxyAgent } from 'undici';
import { FakeApiServer } from '../testing/fakeApiServer.ts';
import { serverCertificate, testAuthority } from '../testing/serverCertificate.ts';
import { issueAuthority } from '../webhook/certificates/issue.ts';
import { KubeClient } from './client.ts';
import { inClusterConnection, kubeConfigConnection } from './connection.ts';
import { CONFIG_MAPS } from './core.ts';

describe('connections', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'homerun-connection-'));
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  const write = (name: string, text: string): string => {
    const file = join(folder, name);
    writeFileSync(file, text);
    return file;
  };
  const kubeconfig = (cluster: object, user: object): string =>
    write(
      'kubeconfig',
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Config',
        clusters: [{ name: 'c', cluster }],
        users: [{ name: 'u', user }],
        contexts: [{ name: 'one', context: { cluster: 'c', user: 'u' } }],
        'current-context': 'one',
      }),
    );

  describe('inClusterConnection', () => {
    const env = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' };

    it('takes address, authority and token from the pod', () => {
      write('ca.crt', '');
      write('token', 'secret\n');
      const connection = inClusterConnection({ env, directory: folder });
      assert.equal(connection.server, 'https://[fd00::1]:443');
      assert.deepEqual(connection.headers(), { authorization: 'Bearer secret' });
    });

    it('reads a token that was renewed', () => {
      write('ca.crt', '');
      write('token', 'old');
      const connection = inClusterConnection({ env, directory: folder, tokenLifeMs: 0 });
      assert.deepEqual(connection.headers(), { authorization: 'Bearer old' });
      write('token', 'new');
      assert.deepEqual(connection.headers(), { authorization: 'Bearer new' });
    });

    it('trusts the authority that the cluster has now, on new connections', async () => {
      write('ca.crt', '');
      write('token', 'secret');
      const connection = inClusterConnection({ env, directory: folder, tokenLifeMs: 0 });
      const { dispatcher } = connection;
      await connection.headers();
      assert.equal(connection.dispatcher, dispatcher, 'the same one while it does not change');
      write('ca.crt', 'new');
      await connection.headers();
      assert.notEqual(connection.dispatcher, dispatcher);
    });

    it('sends no token to a server that the authority of the cluster does not vouch for', async () => {
      const tokens: (string | undefined)[] = [];
      const { certificate: cert, key } = await serverCertificate(['localhost']);
      const server = createServer({ cert, key }, ({ headers }, response) => {
        tokens.push(headers.authorization);
        response.setHeader('content-type', 'application/json').end('{"kind":"ConfigMap"}');
      });
      await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
      const { port } = server.address() as AddressInfo;
      write('token', 'secret');
      const ask = (authority: string) => {
        write('ca.crt', authority);
        const here = { KUBERNETES_SERVICE_HOST: 'localhost', KUBERNETES_SERVICE_PORT: String(port) };
        const client = new KubeClient(inClusterConnection({ env: here, directory: folder }));
        return client.get(CONFIG_MAPS, { namespace: 'ns', name: 'a' });
      };
      try {
        await assert.rejects(ask((await issueAuthority(Date.now())).certificate), /certificate/);
        assert.deepEqual(tokens, []);
        await ask(await testAuthority());
        assert.deepEqual(tokens, ['Bearer secret']);
      } finally {
        server.close();
        server.closeAllConnections();
      }
    });

    it('says what is missing', () => {
      assert.throws(() => inClusterConnection({ env: {} }), {
        code: 'KUBE_CONNECTION',
        message: /KUBERNETES_SERVICE_HOST/,
      });
      assert.throws(
        () => inClusterConnection({ env, directory: folder }),
        /cannot read the service account's ca.crt/,
      );
    });
  });

  describe('kubeConfigConnection', () => {
    const users: Record<string, { user: object; authorization: string | undefined }> = {
      'a token': { user: { token: 'secret' }, authorization: 'Bearer secret' },
      'a password': { user: { username: 'me', password: 'pass' }, authorization: 'Basic bWU6cGFzcw==' },
      'an exec plugin': {
        user: {
          exec: {
            apiVersion: 'client.authentication.k8s.io/v1',
            command: 'echo',
            args: [
              JSON.stringify({
                apiVersion: 'client.authentication.k8s.io/v1',
                kind: 'ExecCredential',
                status: { token: 'from-plugin' },
              }),
            ],
          },
        },
        authorization: 'Bearer from-plugin',
      },
      nothing: { user: {}, authorization: undefined },
    };
    for (const [name, { user, authorization }] of Object.entries(users)) {
      it(`authenticates with ${name}`, async () => {
        const connection = await kubeConfigConnection({
          file: kubeconfig({ server: 'https://127.0.0.1:1/prefix/' }, user),
        });
        assert.equal(connection.server, 'https://127.0.0.1:1/prefix');
        const headers = new Headers((await connection.headers()) as Record<string, string>);
        assert.equal(headers.get('authorization') ?? undefined, authorization);
      });
    }

    it('takes certificates that were renewed, with connections of their own', async () => {
      const user = { 'client-certificate': write('crt', 'old'), 'client-key': write('key', 'old') };
      const file = kubeconfig({ server: 'https://127.0.0.1:1' }, user);
      const connection = await kubeConfigConnection({ file, credentialsLifeMs: 0 });
      const { dispatcher } = connection;
      await connection.headers();
      assert.equal(connection.dispatcher, dispatcher, 'the same while nothing changed');
      write('crt', 'new');
      await connection.headers();
      assert.notEqual(connection.dispatcher, dispatcher);
      assert.equal((dispatcher as Agent).closed, true);
    });

    it('goes through an HTTP proxy', async () => {
      const cluster = { server: 'https://127.0.0.1:1', 'proxy-url': 'http://127.0.0.1:2' };
      const connection = await kubeConfigConnection({ file: kubeconfig(cluster, {}) });
      assert.ok(connection.dispatcher instanceof ProxyAgent);
    });

    it('reaches a server without TLS, as kubectl proxy is', async () => {
      const fake = await FakeApiServer.start();
      const connection = await kubeConfigConnection({
        file: kubeconfig({ server: fake.connection.server }, {}),
      });
      assert.deepEqual((await new KubeClient(connection).list(CONFIG_MAPS)).items, []);
      await connection.dispatcher.destroy();
      await fake.close();
    });

    it('says what is wrong with a kubeconfig', async () => {
      const rejects = (file: string, message: RegExp, context?: string) =>
        assert.rejects(kubeConfigConnection({ file, context }), { code: 'KUBE_CONNECTION', message });
      await rejects(join(folder, 'none'), /cannot read kubeconfig .*none/);
      await rejects(kubeconfig({ server: 'https://a' }, {}), /no cluster for context two/, 'two');
      await rejects(
        kubeconfig({ server: 'https://a', 'proxy-url': 'socks5://b' }, {}),
        /socks5:\/\/b: only http/,
      );
    });
  });
});
