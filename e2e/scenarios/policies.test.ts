import assert from 'node:assert/strict';
import { DEPLOYMENTS, type Deployment } from '../../operator/kube/core.ts';
import { kubectl, podsOf, SYSTEM_NAMESPACE } from '../lib/cluster.ts';
import { HELLO_IMAGE, readyService } from '../lib/services.ts';
import { useSuite } from '../lib/suite.ts';

/** Where the cluster's API server takes tokens for itself. */
const API_SERVER = 'https://kubernetes.default.svc.cluster.local';

describe("whoever gets hold of one of Homerun's accounts", function () {
  this.timeout(180_000);
  const suite = useSuite('e2e-policies');

  /** Runs kubectl as one of Homerun's roles; gives what a policy says to it. */
  async function deniedTo(role: string, ...args: string[]): Promise<string> {
    const user = `system:serviceaccount:${SYSTEM_NAMESPACE}:homerun-${role}`;
    try {
      await kubectl([...args, '--as', user]);
    } catch (error) {
      const { stderr } = error as { stderr: string };
      assert.match(stderr, /ValidatingAdmissionPolicy 'homerun-\w+'/);
      return stderr;
    }
    throw new assert.AssertionError({ message: `${role}: ${args.join(' ')} was not refused` });
  }

  before(async () => {
    const { client, namespace } = suite;
    const labels = { app: 'stranger' };
    await client.create(DEPLOYMENTS, {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'stranger', namespace },
      spec: {
        replicas: 0,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name: 'app', image: HELLO_IMAGE }] } },
      },
    } as Deployment);
  });

  it('scales nothing but the instances of services and worker pools', async () => {
    const scale = ['scale', 'deployment/stranger', '--replicas=1', '-n', suite.namespace];
    assert.match(await deniedTo('gateway', ...scale), /scales only Deployments that it has made/);
    assert.match(await deniedTo('controller', ...scale), /scales only Deployments that it has made/);
  });

  it('changes no object that Homerun has not made', async () => {
    const patch = ['patch', 'deployment/stranger', '-n', suite.namespace, '-p', '{"spec":{"paused":true}}'];
    assert.match(await deniedTo('controller', ...patch), /changes only what it has made/);
  });

  it('gets no token but those of instances, and none for the cluster itself', async () => {
    const { client, namespace, visitor } = suite;
    const of = (at: string, ...more: string[]) => ['create', 'token', 'default', '-n', at, ...more];
    assert.match(await deniedTo('metadata', ...of('kube-system')), /no instance is in this namespace/);
    assert.match(await deniedTo('metadata', ...of(SYSTEM_NAMESPACE)), /no instance is in this namespace/);
    assert.match(await deniedTo('metadata', ...of(namespace)), /is bound to the pod/);
    const annotations = { 'autoscaling.knative.dev/minScale': '1' };
    const { url } = await readyService(client, namespace, 'asks', { annotations });
    const [pod] = await podsOf(client, namespace, 'asks');
    const bound = ['--bound-object-kind=Pod', `--bound-object-name=${pod?.metadata.name}`];
    const bind = [...bound, `--bound-object-uid=${pod?.metadata.uid}`];
    assert.match(await deniedTo('metadata', ...of(namespace, ...bind)), /not for the cluster's API server/);
    const identity = (audience: string) => {
      const target = `http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/identity?audience=${audience}`;
      return visitor.ask(
        `${url}/fetch?${new URLSearchParams({ url: target, header: 'Metadata-Flavor: Google' })}`,
      );
    };
    assert.equal((await identity('https://a.example')).status, 200);
    assert.notEqual((await identity(API_SERVER)).status, 200);
  });
});
