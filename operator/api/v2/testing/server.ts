import { EXECUTIONS } from '../../../apis/run/execution/types.ts';
import { JOBS } from '../../../apis/run/job/types.ts';
import { WORKER_POOLS } from '../../../apis/run/workerPool/types.ts';
import { REVISIONS } from '../../../apis/serving/revision/types.ts';
import { SERVICES } from '../../../apis/serving/service/types.ts';
import { parseConfig } from '../../../config.ts';
import { KubeClient } from '../../../kube/client.ts';
import { KnownObjects } from '../../../kube/knownObjects.ts';
import type { KubeObject } from '../../../kube/types.ts';
import { FakeApiServer } from '../../../testing/fakeApiServer.ts';
import { serverCertificate, testAuthority } from '../../../testing/serverCertificate.ts';
import { silent } from '../../../testing/until.ts';
import type { ApiContext } from '../../context.ts';
import { ApiError } from '../../errors.ts';
import { PARTS } from '../../parts.ts';
import { KubeResources } from '../../resources/kubeResources.ts';
import { createApp } from '../../server/app.ts';
import { type Listener, startListener } from '../../server/listener.ts';
import { grpcHandler } from '../grpc.ts';

export const PROJECT = 'demo';
export const PLACE = 'projects/demo/locations/local';
export const TOKEN = 'ada';

const PERSON = { name: 'ada@example.test', groups: [] };

/** The Admin API over TLS and without, before a fake API server on which controllers settle all that is written. */
export interface TestServer {
  cluster: FakeApiServer;
  /** PEM of the authority of the certificate. */
  authority: string;
  tls: Listener;
  plain: Listener;
  /** Whether what is written becomes ready. */
  settles: boolean;
  close(): Promise<void>;
}

export async function startTestServer(): Promise<TestServer> {
  const types = [SERVICES, REVISIONS, JOBS, EXECUTIONS, WORKER_POOLS];
  const cluster = await FakeApiServer.start({ types });
  const context = contextOf(cluster);
  const app = await createApp(context, PARTS);
  const options = { port: 0, host: '127.0.0.1', rest: app.answer, grpc: grpcHandler(context) };
  const tls = await startListener({ ...options, plainHttp: false });
  const plain = await startListener({ ...options, plainHttp: true });
  tls.serve(await serverCertificate(['localhost']));
  const server: TestServer = {
    cluster,
    authority: await testAuthority(),
    tls,
    plain,
    settles: true,
    close: async () => {
      await Promise.all([tls.close(0), plain.close(0)]);
      await app.close();
      await cluster.close();
    },
  };
  cluster.storage.listeners.add(({ after }) => {
    setImmediate(() => {
      if (server.settles) settle(cluster, after);
    });
  });
  return server;
}

function contextOf({ connection }: FakeApiServer): ApiContext {
  const client = new KubeClient(connection, { known: new KnownObjects() });
  const config = parseConfig({ metadata: { region: 'local' } });
  return {
    config,
    client,
    authentication: {
      personOf: async (header) => {
        if (header === `Bearer ${TOKEN}`) return PERSON;
        throw new ApiError('UNAUTHENTICATED', 'The token is not valid.');
      },
    },
    clientOf: () => client,
    resourcesOf: (person, project) => new KubeResources(client, person, project, config),
    projects: { of: async (id) => ({ id, number: '1' }) },
    verbs: {},
    log: silent,
    now: Date.now,
  };
}

type Reconciled = KubeObject & { status?: { observedGeneration?: number } };

/** What the controllers say of an object once it is ready. */
function settle(cluster: FakeApiServer, { apiVersion, kind, metadata }: KubeObject): void {
  const type = [SERVICES, REVISIONS, JOBS, EXECUTIONS, WORKER_POOLS].find(
    (each) => each.kind === kind && each.apiVersion === apiVersion,
  );
  const current = type && (cluster.get(type as never, metadata) as Reconciled | undefined);
  if (!current || current.status?.observedGeneration === current.metadata.generation) return;
  const { name, generation = 1 } = current.metadata;
  const condition = kind === 'Execution' ? 'Completed' : 'Ready';
  const latest = `${name}-${String(generation).padStart(5, '0')}-abc`;
  cluster.put({
    ...current,
    status: {
      observedGeneration: generation,
      conditions: [{ type: condition, status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }],
      ...(kind === 'Service' || kind === 'WorkerPool'
        ? { latestReadyRevisionName: latest, latestCreatedRevisionName: latest, url: `http://${name}.test` }
        : {}),
    },
  } as KubeObject);
}
