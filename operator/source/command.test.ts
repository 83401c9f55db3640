import { deepEqual, equal, rejects } from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ApiContext } from '../api/context.ts';
import { createApp, type RestApp } from '../api/server/app.ts';
import { type Listener, startListener } from '../api/server/listener.ts';
import { FileStore } from '../api/storage/fileStore.ts';
import { STORAGE } from '../api/storage/part.ts';
import { parseConfig } from '../config.ts';
import type { KubeClient } from '../kube/client.ts';
import { serverCertificate, testAuthority } from '../testing/serverCertificate.ts';
import { silent } from '../testing/until.ts';
import { exitCodeOf, unpackCommand } from './command.ts';
import { contactMap, SOURCE_AUDIENCE } from './contact.ts';
import type { SourceError } from './errors.ts';
import { tarGz } from './testing/archives.ts';

const BUCKET = 'run-sources-demo-local-cluster1';
const SERVER = 'homerun-api.homerun-system.svc';
const POD = { 'authentication.kubernetes.io/pod-name': ['hello-1'] };

interface Review {
  audiences?: string[];
  user?: { username: string; extra?: Record<string, string[]> };
}

/** What the cluster says of tokens. */
const TOKENS: Record<string, Review> = {
  demo: {
    audiences: [SOURCE_AUDIENCE],
    user: { username: 'system:serviceaccount:demo:default', extra: POD },
  },
  other: {
    audiences: [SOURCE_AUDIENCE],
    user: { username: 'system:serviceaccount:other:default', extra: POD },
  },
  'of no pod': { audiences: [SOURCE_AUDIENCE], user: { username: 'system:serviceaccount:demo:default' } },
  'of a person': { audiences: [SOURCE_AUDIENCE], user: { username: 'ada', extra: POD } },
  'for the API server': {
    audiences: ['https://kubernetes.default.svc'],
    user: { username: 'system:serviceaccount:demo:default', extra: POD },
  },
  'for nobody': { user: { username: 'system:serviceaccount:demo:default', extra: POD } },
};

describe('homerun unpack', () => {
  let root: string;
  let app: RestApp;
  let listener: Listener;
  let store: FileStore;
  let authorities: string;
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'command-'));
    store = new FileStore(join(root, 'store'), { objectBytes: 1 << 20, bucketBytes: 1 << 22 });
    const client = {
      request: async (
        _method: string,
        _path: string,
        { body }: { body: { spec: { token: string; audiences?: string[] } } },
      ) => {
        const review = TOKENS[body.spec.token.replaceAll('_', ' ')];
        return { status: review ? { authenticated: true, ...review } : { authenticated: false } };
      },
    };
    const personOf = async () => {
      throw new Error('no person asks here');
    };
    const context = {
      config: parseConfig({}),
      client,
      objects: store,
      authentication: { personOf },
      log: silent,
    };
    app = await createApp(context as unknown as ApiContext, [STORAGE]);
    listener = await startListener({ port: 0, host: '127.0.0.1', plainHttp: false, rest: app.answer });
    listener.serve(await serverCertificate([SERVER]));
    authorities = await testAuthority();
  });
  after(async () => {
    await listener.close(0);
    await app.close();
    await rm(root, { recursive: true });
  });

  const contact = (changes: object = {}) =>
    contactMap('homerun-system', {
      address: `https://127.0.0.1:${listener.port}`,
      serverName: SERVER,
      authorities,
      ...changes,
    });

  async function run({
    source,
    token = 'demo',
    map = contact(),
  }: {
    source: string;
    token?: string;
    map?: object;
  }) {
    await writeFile(join(root, 'token'), `${token.replaceAll(' ', '_')}\n`);
    const get = async (_type: unknown, { namespace, name }: { namespace: string; name: string }) =>
      namespace === 'homerun-system' && name === 'homerun-api-contact' ? map : undefined;
    const client = async () => ({ get }) as unknown as KubeClient;
    const paths = {
      into: join(root, 'workspace'),
      archive: join(root, 'archive'),
      token: join(root, 'token'),
    };
    const args = Object.entries({ source, namespace: 'homerun-system', ...paths }).map(
      ([name, value]) => `--${name}=${value}`,
    );
    return unpackCommand(args, client);
  }

  async function uploaded(content: Buffer): Promise<string> {
    async function* bytes() {
      yield content;
    }
    const name = 'services/hello/1 ä.tar.gz';
    const { generation } = await store.put({ bucket: BUCKET, name, contentType: '' }, bytes());
    return `gs://${BUCKET}/${name}#${generation}`;
  }

  it('gets the archive of a generation from the Admin API and unpacks it', async () => {
    const source = await uploaded(tarGz({ name: 'main.js', content: 'one' }));
    await uploaded(tarGz({ name: 'main.js', content: 'two' }));
    deepEqual(await run({ source }), { files: 1, bytes: 3 });
    equal(await readFile(join(root, 'workspace/main.js'), 'utf8'), 'one');
    await run({ source: source.replace(/#.*/, '') });
    equal(await readFile(join(root, 'workspace/main.js'), 'utf8'), 'two');
    deepEqual((await readdir(root)).toSorted(), ['store', 'token', 'workspace']);
  });

  it('says which entry an archive is refused for, and that mending it is up to a person', async () => {
    const source = await uploaded(tarGz({ name: '../x' }));
    await rejects(run({ source }), (error: SourceError) => {
      equal(error.message, 'The archive\'s entry "../x" has a name with ".." in it.');
      equal(exitCodeOf(error), 65);
      return true;
    });
    deepEqual(await readdir(join(root, 'workspace')), []);
  });

  for (const token of Object.keys(TOKENS)
    .filter((name) => name !== 'demo')
    .concat('unknown')) {
    it(`gets nothing with a token ${token}`, async () => {
      const source = await uploaded(tarGz({ name: 'a' }));
      await rejects(run({ source, token }), (error: SourceError) => {
        equal(/belongs to another project/.test(error.message), token === 'other', error.message);
        equal(error.code, token === 'other' ? 'SOURCE_MISSING' : 'SOURCE_UNAVAILABLE');
        return true;
      });
    });
  }

  const FAILURES: Record<
    string,
    { source?: string; map?: () => object | undefined; says: RegExp; exit: number }
  > = {
    'an object that is not there': {
      source: `gs://${BUCKET}/x`,
      says: /is not given out: gs:\/\/run-sources-demo-local-cluster1\/x does not exist/,
      exit: 65,
    },
    'another bucket': { source: 'gs://elsewhere/x', says: /Bucket 'elsewhere' does not exist/, exit: 65 },
    'what is no address': { source: 'https://x', says: /is no gs:\/\/BUCKET\/OBJECT#GENERATION/, exit: 65 },
    'a cluster that keeps none': { map: () => ({}), says: /This cluster keeps no sources/, exit: 75 },
    'a server with another name': {
      map: () => contact({ serverName: 'elsewhere' }),
      says: /cannot be asked for the source: .*does not match certificate/,
      exit: 75,
    },
    'a server that nobody vouches for': {
      map: () => contact({ authorities: '' }),
      says: /cannot be asked for the source/,
      exit: 75,
    },
  };
  for (const [name, { source, map, says, exit }] of Object.entries(FAILURES)) {
    it(`fails with a sentence for ${name}`, async () => {
      const asked = { source: source ?? `gs://${BUCKET}/x`, ...(map ? { map: map() } : {}) };
      await rejects(run(asked as { source: string }), (error: SourceError) => {
        equal(says.test(error.message), true, error.message);
        equal(exitCodeOf(error), exit);
        return true;
      });
    });
  }
});
