import assert from 'node:assert/strict';
import { SERVING } from '../../operator/apis/labels.ts';
import { deploymentName } from '../../operator/apis/names.ts';
import { CONFIGURATIONS } from '../../operator/apis/serving/configuration/types.ts';
import { ROUTES } from '../../operator/apis/serving/route/types.ts';
import type { KubeClient } from '../../operator/kube/client.ts';
import { CORE_SERVICES, DEPLOYMENTS } from '../../operator/kube/core.ts';
import { kubectl, podsOf, revisionsOf, serviceReady } from '../lib/cluster.ts';
import type { Visitor } from '../lib/http.ts';
import { applyService, helloService, readyService } from '../lib/services.ts';
import { useSuite } from '../lib/suite.ts';
import { until } from '../lib/wait.ts';

describe('a service', function () {
  this.timeout(300_000);
  const namespace = 'e2e-service';
  const suite = useSuite(namespace);
  let client: KubeClient;
  let visitor: Visitor;

  before(() => {
    ({ client, visitor } = suite);
  });

  it('applied as stock YAML with kubectl becomes ready and answers', async () => {
    const path = new URL('../samples/hello.yaml', import.meta.url).pathname;
    await kubectl(['apply', '-n', namespace, '-f', path]);
    const service = await serviceReady(client, namespace, 'hello');
    const answer = await visitor.ask(service.status?.url ?? '');
    assert.equal(answer.status, 200);
    assert.equal(answer.body.trim(), 'Hello World!');
  });

  it('has a status like the real API', async () => {
    const { status, metadata } = await serviceReady(client, namespace, 'hello');
    assert.equal(status?.observedGeneration, metadata.generation);
    assert.deepEqual(status?.conditions?.map(({ type, status: held }) => `${type}=${held}`).sort(), [
      'ConfigurationsReady=True',
      'Ready=True',
      'RoutesReady=True',
    ]);
    assert.equal(status?.latestCreatedRevisionName, 'hello-v1');
    assert.equal(status?.latestReadyRevisionName, 'hello-v1');
    assert.equal(status?.url, `http://hello.${namespace}.localhost`);
    assert.equal(status?.address?.url, `http://hello.${namespace}.svc.cluster.local`);
    assert.deepEqual(status?.traffic, [{ latestRevision: true, percent: 100, revisionName: 'hello-v1' }]);
  });

  it('makes a configuration, a route and a name inside the cluster that it owns', async () => {
    const ref = { namespace, name: 'hello' };
    const children = await Promise.all([
      client.get(CONFIGURATIONS, ref),
      client.get(ROUTES, ref),
      client.get(CORE_SERVICES, ref),
    ]);
    assert.deepEqual(
      children.map((child) => child?.metadata.ownerReferences?.[0]?.kind),
      ['Service', 'Service', 'Route'],
    );
    assert.equal(
      children[2]?.spec?.externalName,
      'homerun-gateway-internal.homerun-system.svc.cluster.local',
    );
    const inside = await visitor.ask(`http://hello.${namespace}/`);
    assert.equal(inside.body.trim(), 'Hello World!');
  });

  it('runs pods without a Kubernetes token, pinned to a digest, with the contract environment', async () => {
    const [revision] = await revisionsOf(client, namespace, 'hello');
    assert.match(
      revision?.status?.imageDigest ?? '',
      /^registry\.kube-system\.svc\/hello@sha256:[0-9a-f]{64}$/,
    );
    const deployment = await client.get(DEPLOYMENTS, { namespace, name: deploymentName('hello-v1') });
    const spec = deployment?.spec?.template.spec;
    assert.equal(spec?.automountServiceAccountToken, false);
    assert.equal(spec?.enableServiceLinks, false);
    assert.equal(spec?.containers[0]?.image, revision?.status?.imageDigest);
    const answer = await visitor.ask(`http://hello.${namespace}.localhost/env`);
    const env = JSON.parse(answer.body) as Record<string, string>;
    const { PORT, K_SERVICE, K_REVISION, K_CONFIGURATION } = env;
    assert.deepEqual(
      { PORT, K_SERVICE, K_REVISION, K_CONFIGURATION },
      { PORT: '8080', K_SERVICE: 'hello', K_REVISION: 'hello-v1', K_CONFIGURATION: 'hello' },
    );
    assert.deepEqual(
      Object.keys(env).filter((name) => name.endsWith('_SERVICE_HOST') && !name.startsWith('KUBERNETES_')),
      [],
    );
  });

  it('makes a new revision only when the template changes', async () => {
    await readyService(client, namespace, 'once');
    const [first] = await revisionsOf(client, namespace, 'once');
    assert.match(first?.metadata.name ?? '', /^once-00001-[a-z0-9]{3}$/);
    await readyService(client, namespace, 'once', {
      serviceAnnotations: { 'run.googleapis.com/description': 'x' },
    });
    assert.equal((await revisionsOf(client, namespace, 'once')).length, 1);
    await readyService(client, namespace, 'once', { env: { TARGET: 'Again' } });
    const names = (await revisionsOf(client, namespace, 'once')).map(({ metadata }) => metadata.name);
    assert.equal(names.length, 2);
    assert.match(names[1] ?? '', /^once-00002-[a-z0-9]{3}$/);
  });

  it('keeps unknown annotations and hands a person’s labels on', async () => {
    const service = helloService(namespace, 'kept', {
      annotations: { 'example.com/note': 'in the template' },
    });
    service.metadata.annotations = { 'example.com/team': 'blue' };
    service.metadata.labels = { 'example.com/app': 'kept' };
    await applyService(client, service);
    const ready = await serviceReady(client, namespace, 'kept');
    assert.equal(ready.metadata.annotations?.['example.com/team'], 'blue');
    const configuration = await client.get(CONFIGURATIONS, { namespace, name: 'kept' });
    assert.equal(configuration?.metadata.labels?.['example.com/app'], 'kept');
    assert.equal(configuration?.metadata.labels?.[SERVING.service], 'kept');
    const [pod] = await podsOf(client, namespace, 'kept');
    assert.equal(pod?.metadata.annotations?.['example.com/note'], 'in the template');
  });

  it('deleted, leaves nothing', async () => {
    await readyService(client, namespace, 'gone');
    await kubectl(['delete', 'ksvc', 'gone', '-n', namespace]);
    await until('all that the service made to be gone', async () => {
      const args = ['get', 'config,route,revision,deployment,service,pod', '-n', namespace];
      const left = await kubectl([...args, '-l', `${SERVING.service}=gone`, '-o', 'name']);
      return left.trim() === '';
    });
  });
});
