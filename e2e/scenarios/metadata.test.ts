import assert from 'node:assert/strict';
import type { JsonWebKey } from 'node:crypto';
import { conditionOf } from '../../operator/apis/condition.ts';
import { CORE_SERVICES, NAMESPACES, PODS, type Pod, SERVICE_ACCOUNTS } from '../../operator/kube/core.ts';
import { claimLinkLocal } from '../../operator/metadata/linkLocal.ts';
import { type Claims, verifiedClaims } from '../../operator/metadata/testing/token.ts';
import { render } from '../chart/helm.ts';
import { freshNamespace, kubectl, podsOf, SYSTEM_NAMESPACE, serviceReady } from '../lib/cluster.ts';
import { applyService, HELLO_IMAGE, helloService, readyService } from '../lib/services.ts';
import { useSuite } from '../lib/suite.ts';
import { until } from '../lib/wait.ts';

const SERVER = 'http://metadata.google.internal';
const V1 = `${SERVER}/computeMetadata/v1`;
const ACCOUNT = `${V1}/instance/service-accounts/default`;
const FLAVOR = ['Metadata-Flavor: Google'];
/** A second namespace, for what another namespace must not know. */
const ELSEWHERE = 'e2e-metadata-other';
const WORKER = 'worker@e2e-metadata.iam.gserviceaccount.com';

describe('the metadata server', function () {
  this.timeout(300_000);
  const suite = useSuite('e2e-metadata');
  let url: string;

  before(async () => {
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'worker' } };
    const namespaced = { ...account, metadata: { name: 'worker', namespace: suite.namespace } };
    await suite.client.create(SERVICE_ACCOUNTS, namespaced);
    url = await started(suite.namespace, 'who', WORKER);
  });

  after(async () => {
    await suite.client?.delete(NAMESPACES, { name: ELSEWHERE });
  });

  /** A service with one instance that stays. */
  async function started(namespace: string, name: string, serviceAccountName?: string): Promise<string> {
    const annotations = { 'autoscaling.knative.dev/minScale': '1' };
    const service = helloService(namespace, name, { annotations });
    service.spec.template.spec.serviceAccountName = serviceAccountName;
    await applyService(suite.client, service);
    return (await serviceReady(suite.client, namespace, name)).status?.url ?? '';
  }

  /** What a program inside the service gets from an address. */
  function inside(target: string, { from = url, headers = FLAVOR } = {}) {
    const query = new URLSearchParams({ url: target });
    for (const header of headers) query.append('header', header);
    return suite.visitor.ask(`${from}/fetch?${query}`);
  }

  async function text(target: string, from = url): Promise<string> {
    const { status, body } = await inside(target, { from });
    assert.equal(status, 200, `${target}: ${body}`);
    return body;
  }

  async function pod(name: string): Promise<Pod> {
    return until(`one instance of ${name}`, async () => {
      const pods = await podsOf(suite.client, suite.namespace, name);
      return pods.length === 1 ? pods[0] : undefined;
    });
  }

  /** The claims of a token whose signature the cluster's published keys prove (OpenID Connect Discovery). */
  async function verified(token: string): Promise<Claims> {
    const { issuer } = JSON.parse(await kubectl(['get', '--raw', '/.well-known/openid-configuration']));
    const { keys } = JSON.parse(await kubectl(['get', '--raw', '/openid/v1/jwks'])) as { keys: JsonWebKey[] };
    const claims = verifiedClaims(token, keys);
    assert.equal(claims.iss, issuer);
    return claims;
  }

  it('tells a program where it runs, under the names of Google’s', async () => {
    const namespace = await suite.client.get(NAMESPACES, { name: suite.namespace });
    assert.ok(namespace?.metadata.uid);
    const number = await text(`${V1}/project/numeric-project-id`);
    assert.match(number, /^\d{12}$/);
    assert.equal(await text(`${V1}/project/project-id`), suite.namespace);
    assert.equal(await text('http://metadata/computeMetadata/v1/project/project-id'), suite.namespace);
    assert.equal(await text(`${V1}/instance/region`), `projects/${number}/regions/local-cluster1`);
    assert.equal(await text(`${V1}/instance/zone`), `projects/${number}/zones/local-cluster1-1`);
    assert.match(await text(`${V1}/instance/id`), /^[0-9a-f]{130}$/);
    assert.equal(await text(`${ACCOUNT}/email`), WORKER);
    const everything = JSON.parse(await text(`${V1}/?recursive=true`));
    assert.deepEqual(Object.keys(everything.instance.serviceAccounts), ['default', WORKER]);
  });

  it('insists on the header, and on no proxy between', async () => {
    const without = await inside(`${V1}/instance/id`, { headers: [] });
    assert.deepEqual([without.status, without.headers['metadata-flavor']], [403, 'Google']);
    const proxied = await inside(`${V1}/instance/id`, { headers: [...FLAVOR, 'X-Forwarded-For: 10.0.0.1'] });
    assert.equal(proxied.status, 403);
    assert.equal((await inside(SERVER, { headers: [] })).headers['metadata-flavor'], 'Google');
  });

  it('gives identity tokens that anybody can verify with the cluster’s keys', async () => {
    const claims = await verified(
      await text(`${ACCOUNT}/identity?audience=https://other.example&format=full`),
    );
    const { metadata } = await pod('who');
    assert.deepEqual(claims.aud, ['https://other.example']);
    assert.equal(claims.sub, `system:serviceaccount:${suite.namespace}:worker`);
    assert.deepEqual(claims['kubernetes.io'].pod, { name: metadata.name, uid: metadata.uid });
    assert.ok(claims.exp * 1000 > Date.now() + 600_000, 'for ten minutes at least');
  });

  it('gives every pod its own identity, in its own namespace', async () => {
    const beside = await started(suite.namespace, 'beside');
    const elsewhere = await freshNamespace(suite.client, ELSEWHERE);
    const other = await started(elsewhere, 'who');
    const [mine, neighbour, stranger] = await Promise.all(
      [url, beside, other].map(async (from) => verified(await text(`${ACCOUNT}/identity?audience=a`, from))),
    );
    assert.equal(mine?.sub, `system:serviceaccount:${suite.namespace}:worker`);
    assert.equal(neighbour?.sub, `system:serviceaccount:${suite.namespace}:default`);
    assert.equal(stranger?.sub, `system:serviceaccount:${elsewhere}:default`);
    assert.equal(await text(`${V1}/project/project-id`, other), elsewhere);
    const ids = await Promise.all([url, beside, other].map((from) => text(`${V1}/instance/id`, from)));
    assert.equal(new Set(ids).size, 3);
    const another = await inside(`${V1}/instance/service-accounts/${WORKER}/identity?audience=a`, {
      from: beside,
    });
    assert.equal(another.status, 404, 'no program can ask for the account of another');
  });

  it('is found and understood by Google’s own client library', async () => {
    const { status, body } = await suite.visitor.ask(`${url}/google?audience=https://a.example`);
    assert.equal(status, 200, body);
    const { identity, instanceID, numericProjectID, ...found } = JSON.parse(body);
    assert.deepEqual(found, {
      onGCE: true,
      projectID: suite.namespace,
      zone: 'local-cluster1-1',
      email: WORKER,
    });
    assert.ok(instanceID && numericProjectID);
    assert.deepEqual((await verified(identity)).aud, ['https://a.example']);
  });

  it('says what to configure for access tokens', async () => {
    const { status, body } = await inside(`${ACCOUNT}/token`);
    assert.equal(status, 404);
    assert.match(body, /metadata\.workloadIdentity\.audience/);
  });

  it('tells nothing to a pod that is no instance', async () => {
    const name = 'shell';
    await suite.client.create(PODS, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: suite.namespace, labels: { app: 'shell' } },
      spec: { containers: [{ name, image: HELLO_IMAGE }] },
    } as Pod);
    const ip = await until('the address of a pod', async () => {
      const { status } = (await suite.client.get(PODS, { namespace: suite.namespace, name })) ?? {};
      return status?.phase === 'Running' && status.podIP;
    });
    const service = await suite.client.get(CORE_SERVICES, {
      namespace: SYSTEM_NAMESPACE,
      name: 'homerun-metadata',
    });
    const query = new URLSearchParams({
      url: `http://${service?.spec?.clusterIP}/computeMetadata/v1/instance/id`,
      header: 'Metadata-Flavor: Google',
    });
    const answer = await fetch(`http://${ip}:8080/fetch?${query}`);
    assert.equal(answer.status, 403);
    assert.match(await answer.text(), /e2e-metadata\/shell, which is no instance/);
  });

  it('lets a program that has just started wait until it is known who it is', async () => {
    const env = { ASK_AT_START: `${ACCOUNT}/identity?audience=early` };
    const { url: early } = await readyService(suite.client, suite.namespace, 'early', { env });
    const { status, body } = JSON.parse((await suite.visitor.ask(`${early}/asked`)).body);
    assert.equal(status, 200, body);
    const claims = await verified(body);
    assert.equal(claims['kubernetes.io'].pod.name, (await pod('early')).metadata.name);
  });

  it('can be at 169.254.169.254 too, through the nodes’ service proxy, and still knows who asks', async () => {
    const [chart] = render({ metadata: { linkLocal: true } }).filter(
      ({ kind, metadata }) => kind === 'Service' && metadata.name === 'homerun-metadata',
    );
    assert.ok(chart);
    const ref = { namespace: SYSTEM_NAMESPACE, name: 'e2e-link-local' };
    await suite.client.apply(CORE_SERVICES, { ...chart, metadata: ref }, { fieldManager: 'scenario' });
    try {
      await claimLinkLocal(suite.client, ref);
      const email = await until('the node proxy to know the address', async () => {
        const { status, body } = await inside(
          'http://169.254.169.254/computeMetadata/v1/instance/service-accounts/default/email',
        );
        return status === 200 && body;
      });
      assert.equal(email, WORKER);
    } finally {
      await suite.client.delete(CORE_SERVICES, ref);
    }
  });

  describe('a service identity', () => {
    it('that is missing is named, with what to do, and heals when it is made', async () => {
      const service = helloService(suite.namespace, 'later');
      service.spec.template.spec.serviceAccountName = 'later@e2e-metadata.iam.gserviceaccount.com';
      await applyService(suite.client, service);
      const { status } = await serviceReady(suite.client, suite.namespace, 'later', { status: 'False' });
      const ready = conditionOf(status?.conditions, 'Ready');
      assert.match(
        ready?.message ?? '',
        /ServiceAccount 'later'.* does not exist in namespace 'e2e-metadata'.*kubectl create serviceaccount later --namespace e2e-metadata/,
      );
      const metadata = { name: 'later', namespace: suite.namespace };
      await suite.client.create(SERVICE_ACCOUNTS, { apiVersion: 'v1', kind: 'ServiceAccount', metadata });
      const healed = await serviceReady(suite.client, suite.namespace, 'later');
      const email = await text(`${ACCOUNT}/email`, healed.status?.url);
      assert.equal(email, 'later@e2e-metadata.iam.gserviceaccount.com');
    });
  });
});
