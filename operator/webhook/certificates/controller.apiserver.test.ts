import assert from 'node:assert/strict';
import { connect as tlsConnect } from 'node:tls';
import { SERVICES } from '../../apis/serving/service/types.ts';
import { resourcePath } from '../../kube/client.ts';
import { SECRETS } from '../../kube/core.ts';
import { isKubeError } from '../../kube/errors.ts';
import type { ApiServer } from '../../testing/apiServer.ts';
import { freePort } from '../../testing/freePort.ts';
import { giveBackApiServer, takeApiServer } from '../../testing/sharedApiServer.ts';
import { until } from '../../testing/until.ts';
import {
  NAMESPACE,
  post,
  type Replica,
  ready,
  register,
  rejectionOf,
  SYSTEM,
  service,
  startReplica,
} from '../testing/installation.ts';
import { CONFIGURATION_TYPES } from './caBundle.ts';
import { SECRET_NAME } from './secret.ts';

const SECRET = { namespace: SYSTEM, name: SECRET_NAME };
const NAME = 'homerun-webhook';

describe('webhook certificates on a real API server', () => {
  let server: ApiServer;
  let replica: Replica;
  let port: number;

  before(async () => {
    server = await takeApiServer(SYSTEM, NAMESPACE);
    port = await freePort();
    await register(server, port);
    replica = await startReplica(server, { port });
  });
  after(async () => {
    await replica?.stop();
    await giveBackApiServer(server);
  });

  it('is ready once both configurations trust the served certificate', async () => {
    await ready(replica);
    for (const type of CONFIGURATION_TYPES) {
      const configuration = await server.client.get(type, { name: NAME });
      const bundle = Buffer.from(
        configuration?.webhooks?.[0]?.clientConfig.caBundle ?? '',
        'base64',
      ).toString();
      assert.match(bundle, /^-----BEGIN CERTIFICATE-----/);
    }
  });

  describe('certificates', () => {
    /** The serial number of what is served at a port. */
    const served = (at: number) =>
      new Promise<string>((resolve, reject) => {
        const socket = tlsConnect({ host: '127.0.0.1', port: at, rejectUnauthorized: false }, () => {
          resolve(socket.getPeerCertificate().serialNumber);
          socket.destroy();
        }).on('error', reject);
      });
    const works = () => post(server, service('works'), '?dryRun=All').then(({ status }) => status === 201);

    it('are one and the same in all replicas', async () => {
      const other = await startReplica(server);
      try {
        await ready(other);
        assert.equal(await served(other.port), await served(port));
      } finally {
        await other.stop();
      }
    });

    it('agree although several replicas start at once without any', async () => {
      await replica.stop();
      await server.client.delete(SECRETS, SECRET);
      const replicas = await Promise.all([
        startReplica(server, { port }),
        startReplica(server),
        startReplica(server),
      ]);
      replica = replicas[0];
      await Promise.all(replicas.map(ready));
      const serials = await Promise.all(replicas.map((each) => served(each.port)));
      assert.equal(new Set(serials).size, 1);
      await until('the webhook is reached', works, { everyMs: 20 });
      await Promise.all(replicas.slice(1).map((each) => each.stop()));
    });

    const harm: Record<string, () => Promise<unknown>> = {
      'a Secret that is deleted': () => server.client.delete(SECRETS, SECRET),
      'a Secret that holds garbage': () =>
        server.client.mergePatch(SECRETS, SECRET, {
          data: { 'ca.crt': 'eHl6', 'tls.crt': 'eHl6', 'tls.key': null },
        }),
      'a Secret that is empty': () => server.client.mergePatch(SECRETS, SECRET, { data: null }),
      'a caBundle that someone takes away': () =>
        server.client.request('PATCH', `${resourcePath(CONFIGURATION_TYPES[0], { name: NAME })}`, {
          body: [{ op: 'remove', path: '/webhooks/0/clientConfig/caBundle' }],
          contentType: 'application/json-patch+json',
        }),
    };
    for (const [what, doHarm] of Object.entries(harm)) {
      it(`outlive ${what}`, async () => {
        const before = (await server.client.get(CONFIGURATION_TYPES[0], { name: NAME }))?.metadata
          .resourceVersion;
        await doHarm();
        await until('the configuration is written again', async () => {
          const { metadata } = (await server.client.get(CONFIGURATION_TYPES[0], { name: NAME })) ?? {};
          return metadata?.resourceVersion !== before && replica.unready() === undefined;
        });
        await until('the webhook is reached again', works, { everyMs: 20 });
      });
    }

    it('are replaced in time by others of the same authority', async () => {
      await replica.stop();
      await server.client.delete(SECRETS, SECRET);
      let behind = 61 * 86_400_000;
      replica = await startReplica(server, { port, now: () => Date.now() - behind });
      await ready(replica);
      await until('the webhook is reached', works, { everyMs: 20 });
      const old = await served(port);
      behind = 0;
      await server.client.mergePatch(SECRETS, SECRET, { metadata: { labels: { wakes: 'all' } } });
      await until('a new certificate is served', async () => (await served(port)) !== old);
      assert.equal(replica.unready(), undefined);
      // API servers keep the connections that they have; new ones must be trusted as well.
      await replica.stop();
      replica = await startReplica(server, { port });
      await ready(replica);
      await until('the webhook is reached', works, { everyMs: 20 });
    });
  });

  it('lets nothing in while it is away, and everything valid after it is back', async () => {
    await replica.stop();
    const away = await rejectionOf(server.client.create(SERVICES, service('meanwhile')));
    assert.ok(isKubeError(away, 'KUBE_SERVER'));
    assert.match(away.message, /failed calling webhook "default\.homerun\.dev"/);
    replica = await startReplica(server, { port });
    await until('it is let in', () =>
      server.client.create(SERVICES, service('meanwhile')).catch(() => undefined),
    );
    assert.equal(
      (await rejectionOf(server.client.create(SERVICES, service('m2', { timeoutSeconds: -1 })))).status,
      422,
    );
  });
});
