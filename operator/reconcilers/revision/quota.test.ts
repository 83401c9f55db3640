import assert from 'node:assert/strict';
import { KIND_TYPES } from '../../apis/kinds.ts';
import { deploymentName } from '../../apis/names.ts';
import { DEPLOYMENTS, type Deployment, RESOURCE_QUOTAS, type ResourceQuota } from '../../kube/core.ts';
import { FakeApiServer } from '../../testing/fakeApiServer.ts';
import { reconciled } from '../../testing/reconciled.ts';
import { PINNED, revision } from '../../testing/serving.ts';
import { ServingProcess } from '../../testing/servingProcess.ts';
import { until } from '../../testing/until.ts';

const NAME = 'hello-00001-abc';
const REF = { namespace: 'demo', name: deploymentName(NAME) };

describe('a revision whose pods a quota has no room for', () => {
  let server: FakeApiServer;
  let process: ServingProcess;

  beforeEach(async () => {
    server = await FakeApiServer.start({ types: [...KIND_TYPES, RESOURCE_QUOTAS] });
    server.put(revision(NAME, { spec: { containers: [{ image: PINNED }] } }));
    process = new ServingProcess(server);
  });

  afterEach(async () => {
    await process.stop();
    await server.close();
  });

  function putQuota(pods: string): void {
    const status = { hard: { pods }, used: { pods: '4' } };
    const metadata = { namespace: 'demo', name: 'small' };
    server.put({ apiVersion: 'v1', kind: 'ResourceQuota', metadata, status } satisfies ResourceQuota);
  }

  /** What Kubernetes has said for ten minutes. */
  async function reject(): Promise<void> {
    const deployment = await until('its Deployment', () => server.get<Deployment>(DEPLOYMENTS, REF));
    const condition = {
      type: 'ReplicaFailure',
      status: 'True',
      reason: 'FailedCreate',
      message:
        'pods "a" is forbidden: exceeded quota: small, requested: pods=1, used: pods=4, limited: pods=4',
      lastTransitionTime: new Date(Date.now() - 600_000).toISOString(),
    };
    const status = { ...deployment.status, conditions: [condition] };
    server.put({ ...deployment, spec: { ...deployment.spec, replicas: 1 }, status } as Deployment);
  }

  const askedAgain = () =>
    server.get<Deployment>(DEPLOYMENTS, REF)?.metadata.annotations?.['homerun.dev/asked-again'];

  it('writes nothing while the quota is used up, and tries again once it has room', async () => {
    putQuota('4');
    await reject();
    await until('the quota to be read', () => server.requests.some(({ path }) => path.endsWith('/small')));
    const before = await reconciled('revision');
    await reject();
    await until('another look', async () => (await reconciled('revision')) > before);
    assert.equal(askedAgain(), undefined);
    putQuota('5');
    await reject();
    await until('another attempt', askedAgain);
  });

  it('tries again where the quota is gone', async () => {
    await reject();
    await until('another attempt', askedAgain);
  });
});
