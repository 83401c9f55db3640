import assert from 'node:assert/strict';
import { resourcePath } from '../../operator/kube/client.ts';
import { DEPLOYMENTS, type Deployment, type Pod, SERVICE_ACCOUNTS } from '../../operator/kube/core.ts';
import { isKubeError } from '../../operator/kube/errors.ts';
import { requestToken } from '../../operator/metadata/tokens.ts';
import type { Role } from '../../operator/roles.ts';
import { asRole } from '../chart/accounts.ts';
import { podsOf, SYSTEM_NAMESPACE } from '../lib/cluster.ts';
import { HELLO_IMAGE, readyService } from '../lib/services.ts';
import { useSuite } from '../lib/suite.ts';

/** Where the cluster's API server takes tokens for itself. */
const API_SERVER = 'https://kubernetes.default.svc.cluster.local';

describe("whoever gets hold of one of Homerun's accounts", function () {
  this.timeout(300_000);
  const suite = useSuite('e2e-policies');
  const stranger = () => ({ namespace: suite.namespace, name: 'stranger' });

  before(async () => {
    const labels = { app: 'stranger' };
    await suite.client.create(DEPLOYMENTS, {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: stranger(),
      spec: {
        replicas: 0,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name: 'app', image: HELLO_IMAGE }] } },
      },
    } as Deployment);
  });

  const as = (role: Role) => asRole(suite.client, role);

  async function isDenied(attempt: Promise<unknown>, because: RegExp): Promise<void> {
    await assert.rejects(attempt, (error) => {
      assert.ok(isKubeError(error), String(error));
      assert.match(error.message, /ValidatingAdmissionPolicy 'homerun-\w+'/);
      assert.match(error.message, because);
      return true;
    });
  }

  it('scales nothing but the instances of services and worker pools', async () => {
    for (const role of ['gateway', 'controller'] as const) {
      const scale = as(role).mergePatch(
        DEPLOYMENTS,
        stranger(),
        { spec: { replicas: 1 } },
        { subresource: 'scale' },
      );
      await isDenied(scale, /scales only Deployments that it has made/);
    }
  });

  it('changes no object that Homerun has not made', async () => {
    const pause = as('controller').mergePatch(DEPLOYMENTS, stranger(), { spec: { paused: true } });
    await isDenied(pause, /changes only what it has made/);
  });

  it('gets no token but those of instances, and none for the cluster itself', async () => {
    const { client, namespace, visitor } = suite;
    const unbound = (at: string) =>
      as('metadata').request(
        'POST',
        resourcePath(SERVICE_ACCOUNTS, { namespace: at, name: 'default' }, 'token'),
        {
          body: {
            apiVersion: 'authentication.k8s.io/v1',
            kind: 'TokenRequest',
            spec: { audiences: ['https://a.example'] },
          },
        },
      );
    await isDenied(unbound('kube-system'), /there is no instance in this namespace/);
    await isDenied(unbound(SYSTEM_NAMESPACE), /there is no instance in this namespace/);
    await isDenied(unbound(namespace), /is bound to the pod/);
    const annotations = { 'autoscaling.knative.dev/minScale': '1' };
    const { url } = await readyService(client, namespace, 'asks', { annotations });
    const [pod] = await podsOf(client, namespace, 'asks');
    await isDenied(requestToken(as('metadata'), pod as Pod, API_SERVER), /not for the cluster's API server/);
    const identity = (audience: string) => {
      const target = `http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/identity?audience=${audience}`;
      const query = new URLSearchParams({ url: target, header: 'Metadata-Flavor: Google' });
      return visitor.ask(`${url}/fetch?${query}`);
    };
    assert.equal((await identity('https://a.example')).status, 200);
    assert.equal((await identity(API_SERVER)).status, 403);
  });
});
