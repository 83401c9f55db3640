import assert from 'node:assert/strict';
import { SERVING } from '../apis/labels.ts';
import { REVISIONS } from '../apis/serving/revision/types.ts';
import { PODS, type Pod } from '../kube/core.ts';
import { isKubeError } from '../kube/errors.ts';
import type { KubeObject } from '../kube/types.ts';
import type { ApiServer } from '../testing/apiServer.ts';
import { freePort } from '../testing/freePort.ts';
import { giveBackApiServer, takeApiServer } from '../testing/sharedApiServer.ts';
import { until } from '../testing/until.ts';
import { CONFIGURATION_TYPES } from '../webhook/certificates/caBundle.ts';
import {
  NAMESPACE,
  type Replica,
  ready,
  register,
  SYSTEM,
  secretAt,
  startReplica,
} from '../webhook/testing/installation.ts';
import { EVICTION_REQUESTED } from './evictions.ts';
import { revision } from './testing/objects.ts';

const REVISION = 'hello-00001-abc';
const POD = { namespace: NAMESPACE, name: 'busy' };

/** The chart's webhook for evictions. */
async function registerEvictions({ client }: ApiServer, port: number): Promise<void> {
  const [, type] = CONFIGURATION_TYPES;
  const webhook = {
    name: 'evict.homerun.dev',
    admissionReviewVersions: ['v1'],
    clientConfig: secretAt(port),
    rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods/eviction'] }],
    failurePolicy: 'Ignore',
    sideEffects: 'NoneOnDryRun',
    timeoutSeconds: 3,
  };
  const { apiVersion, kind } = type;
  const object = { apiVersion, kind, metadata: { name: 'homerun-webhook' }, webhooks: [webhook] };
  await client.apply(type, object as KubeObject, { fieldManager: 'evictions' });
}

describe('an eviction on a real API server', () => {
  let server: ApiServer;
  let replica: Replica;
  let ahead = 0;

  before(async () => {
    server = await takeApiServer(SYSTEM, NAMESPACE);
    const { client } = server;
    const { status: _, ...served } = revision();
    const metadata = { namespace: NAMESPACE, name: REVISION };
    const made = await client.create(REVISIONS, {
      ...served,
      metadata,
      spec: { ...served.spec, timeoutSeconds: 60 },
    });
    const port = await freePort();
    await register(server, port);
    await registerEvictions(server, port);
    replica = await startReplica(server, { port, now: () => Date.now() + ahead });
    await ready(replica);
    await client.create(PODS, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        ...POD,
        labels: { [SERVING.revision]: REVISION, [SERVING.revisionUID]: made.metadata.uid ?? '' },
      },
      spec: { containers: [{ name: 'app', image: 'app' }] },
    } as Pod);
    await client.mergePatch(PODS, POD, { status: { phase: 'Running' } }, { subresource: 'status' });
  });
  after(async () => {
    await replica?.stop();
    await giveBackApiServer(server);
  });

  const evict = (options = {}) =>
    server.client.request('POST', `/api/v1/namespaces/${NAMESPACE}/pods/${POD.name}/eviction`, {
      body: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: POD, deleteOptions: options },
    });
  const rejected = async () => {
    const error = await evict().then(
      () => undefined,
      (reason: unknown) => reason,
    );
    return isKubeError(error, 'KUBE_TOO_MANY_REQUESTS') ? error : undefined;
  };

  it('is rejected with 429, as by a disruption budget, and marks the instance', async () => {
    const error = await until('the webhook is asked', rejected);
    assert.deepEqual([error.status, error.reason], [429, 'TooManyRequests']);
    assert.match(error.message, /instance busy is being drained/);
    const pod = await server.client.get(PODS, POD);
    assert.ok(Date.parse(pod?.metadata.annotations?.[EVICTION_REQUESTED] ?? ''));
    assert.ok(await rejected(), 'and again while its requests may last');
  });

  it('is let through once the requests have had their time', async () => {
    ahead = 71_000;
    await evict({ gracePeriodSeconds: 0 });
    assert.equal(await server.client.get(PODS, POD), undefined);
  });
});
