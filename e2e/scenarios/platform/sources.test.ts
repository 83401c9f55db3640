import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Agent as HttpAgent } from 'undici';
import { S3Client } from '../../../operator/api/storage/s3/client.ts';
import {
  CORE_SERVICES,
  type CoreService,
  PODS,
  type Pod,
  SECRETS,
  type Secret,
} from '../../../operator/kube/core.ts';
import { Agent, textOf } from '../../lib/agent.ts';
import { areBuilt } from '../../lib/built.ts';
import { allPodsOf, kubectl, SYSTEM_NAMESPACE } from '../../lib/cluster.ts';
import { ROOT } from '../../lib/git.ts';
import { podsOfRole, roleReplaced } from '../../lib/roles.ts';
import { useSuite } from '../../lib/suite.ts';
import { changeValues } from '../../lib/upgrade.ts';
import { until } from '../../lib/wait.ts';

const run = promisify(execFile);
const NAME = 's3';
const PORT = 7070;
const KEYS = { accessKeyId: 'homerun', secretAccessKey: 'a secret of homerun' };
const STORE = { bucket: 'sources', region: 'local-1' };
const PROGRAM =
  "require('node:http').createServer((_, response) => response.end('from a bucket')).listen(process.env.PORT);";

if (areBuilt('s3', ['s3'])) {
  describe('sources in a bucket of a store that speaks S3', function () {
    this.timeout(300_000);
    const suite = useSuite('e2e-s3');
    const secret = { namespace: SYSTEM_NAMESPACE, name: 'e2e-s3' };
    let agent: Agent;
    const dispatcher = new HttpAgent();
    let store: S3Client;

    before(async () => {
      const { client } = suite;
      await run(join(ROOT, 'e2e/images/push'), ['s3:1']);
      const endpoint = await server();
      store = new S3Client({ ...STORE, endpoint, keys: async () => KEYS, dispatcher, timeoutMs: 10_000 });
      await until('the bucket', async () => {
        await store.put('', new Uint8Array());
        return true;
      });
      const keys = {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: secret,
        stringData: KEYS,
      } as unknown as Secret;
      await client.create(SECRETS, keys);
      await upgrade({ endpoint, ...STORE, secret: secret.name });
      agent = await Agent.start(suite);
    });
    after(async () => {
      await agent?.close();
      await upgrade({ endpoint: '', bucket: '', region: 'us-east-1', secret: '' });
      await suite.client.delete(SECRETS, secret);
      await dispatcher.close();
    });

    /** Runs the store as anybody would, and gives its address. */
    async function server(): Promise<string> {
      const { client, namespace } = suite;
      const metadata = { name: NAME, namespace, labels: { app: NAME } };
      const credentials = { ROOT_ACCESS_KEY: KEYS.accessKeyId, ROOT_SECRET_KEY: KEYS.secretAccessKey };
      const container = {
        name: NAME,
        image: 'registry.kube-system.svc/s3:1',
        args: ['--port', `:${PORT}`, '--region', STORE.region, 'posix', '/data'],
        env: Object.entries(credentials).map(([name, value]) => ({ name, value })),
        volumeMounts: [{ name: 'data', mountPath: '/data' }],
      };
      const pod = {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata,
        spec: { containers: [container], volumes: [{ name: 'data', emptyDir: {} }] },
      };
      await client.create(PODS, pod as Pod);
      const spec = { selector: metadata.labels, ports: [{ port: PORT }] };
      const service = await client.create(CORE_SERVICES, {
        apiVersion: 'v1',
        kind: 'Service',
        metadata,
        spec,
      } as CoreService);
      return `http://${service.spec?.clusterIP}:${PORT}`;
    }

    async function upgrade(s3: object): Promise<void> {
      const before = await podsOfRole(suite.client, 'api');
      await changeValues({ api: { storage: { s3 } } });
      await roleReplaced(suite.client, 'api', before);
    }

    it('are unpacked into instances, also after the Admin API has been replaced', async () => {
      const { client, namespace, visitor } = suite;
      const made = await agent.deploy('hello', PROGRAM);
      assert.ok(!made.isError, textOf(made));
      const { uri } = made.structuredContent as { uri: string };
      assert.equal((await visitor.ask(uri)).body, 'from a bucket');
      const kept: string[] = [];
      for await (const { key } of store.list('objects/')) kept.push(key);
      assert.equal(kept.length, 1);
      const before = await podsOfRole(client, 'api');
      await kubectl(['rollout', 'restart', 'deployment/homerun-api', '-n', SYSTEM_NAMESPACE]);
      await roleReplaced(client, 'api', before);
      for (const { metadata } of await allPodsOf(client, namespace, 'hello'))
        await client.delete(PODS, metadata);
      await until('another instance', async () => (await visitor.ask(uri)).body === 'from a bucket');
    });

    it('are refused with the reason where the store does not answer', async () => {
      await suite.client.delete(PODS, { namespace: suite.namespace, name: NAME });
      const refused = await agent.deploy('other', PROGRAM);
      assert.equal(refused.isError, true);
      assert.match(textOf(refused), /^UNAVAILABLE: The store of the sources fails: /);
    });
  });
}
