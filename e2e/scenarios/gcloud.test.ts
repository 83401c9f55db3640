import assert from 'node:assert/strict';
import { type Gcloud, gcloudFor, HAS_GCLOUD } from '../../operator/api/testing/gcloud.ts';
import { CORE_SERVICES, ROLE_BINDINGS, SECRETS, SERVICE_ACCOUNTS } from '../../operator/kube/core.ts';
import { SYSTEM_NAMESPACE } from '../lib/cluster.ts';
import { HELLO_IMAGE } from '../lib/services.ts';
import { useSuite } from '../lib/suite.ts';
import { until } from '../lib/wait.ts';

const RBAC = 'rbac.authorization.k8s.io';

/** In this order: what one person does with a service and a job. */
describe('gcloud at the Admin API of the cluster', function () {
  this.timeout(180_000);
  if (!HAS_GCLOUD) {
    console.log(
      'gcloud is not installed here: only what it has sent is tried (operator/api/gcloud.apiserver.test.ts)',
    );
    return;
  }
  const suite = useSuite('e2e-gcloud');
  let gcloud: Gcloud;
  let url: string;

  before(async () => {
    const { client, namespace } = suite;
    const metadata = { name: 'alice', namespace };
    await client.create(SERVICE_ACCOUNTS, { apiVersion: 'v1', kind: 'ServiceAccount', metadata });
    await client.create(ROLE_BINDINGS, {
      ...{ apiVersion: `${RBAC}/v1`, kind: 'RoleBinding', metadata },
      roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: 'admin' },
      subjects: [{ kind: 'ServiceAccount', name: 'alice', namespace }],
    });
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/alice/token`;
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
    const { status } = await client.request<{ status: { token: string } }>('POST', path, { body });
    const service = await client.get(CORE_SERVICES, { namespace: SYSTEM_NAMESPACE, name: 'homerun-api' });
    const secret = await client.get(SECRETS, { namespace: SYSTEM_NAMESPACE, name: 'homerun-api-cert' });
    gcloud = gcloudFor({
      address: service?.spec?.clusterIP ?? '',
      port: 443,
      authority: Buffer.from(secret?.data?.['ca.crt'] ?? '', 'base64').toString(),
      token: status.token,
      project: namespace,
      region: 'local-cluster1',
    });
  });
  after(() => gcloud?.remove());

  async function run(command: string): Promise<string> {
    const { code, text } = await gcloud.run(command.split(' '));
    assert.equal(code, 0, text);
    return text;
  }
  const ask = async (url: string) => (await suite.visitor.ask(url)).status;

  it('deploys a service that answers to everyone, and closes it again', async () => {
    const said = await run(`run deploy hello --image=${HELLO_IMAGE} --allow-unauthenticated`);
    assert.match(said, /has been deployed and is serving.* percent of traffic/);
    url = (await run('run services describe hello --format=value(status.url)')).trim();
    await until('it answers', async () => (await ask(url)) === 200);
    const binding = '--member=allUsers --role=roles/run.invoker';
    await run(`run services remove-iam-policy-binding hello ${binding}`);
    await until('it asks who calls', async () => (await ask(url)) === 403);
    await run(`run services add-iam-policy-binding hello ${binding}`);
    await until('it answers again', async () => (await ask(url)) === 200);
  });

  it('moves traffic between revisions', async () => {
    await run(`run deploy hello --image=${HELLO_IMAGE} --set-env-vars=A=b --no-traffic --tag=next`);
    assert.match(await run('run services describe hello'), /next: /);
    await run('run services update-traffic hello --to-tags=next=100');
    assert.equal(
      (await run('run revisions list --service=hello --format=value(name)')).trim().split('\n').length,
      2,
    );
  });

  it('runs a job to its end', async () => {
    await run(`run jobs create work --image=${HELLO_IMAGE} --set-env-vars=TASK=1 --tasks=2`);
    await run('run jobs execute work --wait');
    assert.match(await run('run jobs executions list --job=work'), /2 \/ 2/);
  });

  it('reads the logs of a service', async () => {
    // Logs go with the pods that have written them, and an idle service has none.
    const lines = async () => {
      assert.equal(await ask(url), 200);
      return run('run services logs read hello --limit=20');
    };
    await until('a line', async () => (await lines()).trim() !== '');
  });

  it('deletes what it has made', async () => {
    await run('run services delete hello');
    await run('run jobs delete work');
    assert.equal((await run('run services list --format=value(name)')).trim(), '');
  });
});
