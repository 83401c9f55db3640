import assert from 'node:assert/strict';
import { SERVICES, type Service } from '../../operator/apis/serving/service/types.ts';
import { internalGatewayAddress, revisionsOf, serviceReady } from '../lib/cluster.ts';
import { Visitor } from '../lib/http.ts';
import { constantLoad } from '../lib/load.ts';
import { applyService, helloService, readyService } from '../lib/services.ts';
import { useSuite } from '../lib/suite.ts';
import { until } from '../lib/wait.ts';

describe('traffic', function () {
  this.timeout(300_000);
  const suite = useSuite('e2e-traffic');

  it('is split by percent, and a tag has an address of its own', async () => {
    const { client, visitor, namespace } = suite;
    await readyService(client, namespace, 'split', { revision: 'split-v1', env: { TARGET: 'one' } });
    const service = await readyService(client, namespace, 'split', {
      revision: 'split-v2',
      env: { TARGET: 'two' },
      traffic: [
        { revisionName: 'split-v1', percent: 90 },
        { revisionName: 'split-v2', percent: 10, tag: 'next' },
      ],
    });
    const seen = { one: 0, two: 0 };
    for (let i = 0; i < 1000; i++) {
      const { body } = await visitor.ask(service.url);
      if (body.includes('one')) seen.one++;
      if (body.includes('two')) seen.two++;
    }
    assert.equal(seen.one + seen.two, 1000);
    assert.ok(Math.abs(seen.two - 100) <= 30, `${seen.two} of 1000 went to the revision with 10 percent`);
    const tagged = service.status?.traffic?.find(({ tag }) => tag === 'next')?.url;
    assert.equal(tagged, `http://next---split.${namespace}.localhost`);
    for (let i = 0; i < 20; i++) assert.match((await visitor.ask(tagged ?? '')).body, /two/);
  });

  it('a tag without a share still answers at its address, and only there', async () => {
    const { client, visitor, namespace } = suite;
    const service = await readyService(client, namespace, 'split', {
      revision: 'split-v2',
      env: { TARGET: 'two' },
      traffic: [
        { revisionName: 'split-v1', percent: 100 },
        { revisionName: 'split-v2', tag: 'quiet' },
      ],
    });
    const tagged = service.status?.traffic?.find(({ tag }) => tag === 'quiet')?.url ?? '';
    assert.match((await visitor.ask(tagged)).body, /two/);
    await until('the new split to be served', async () => /one/.test((await visitor.ask(service.url)).body));
    for (let i = 0; i < 100; i++) assert.match((await visitor.ask(service.url)).body, /one/);
  });

  it('reaches a service without its default URL, or with ingress internal, from inside the cluster only', async () => {
    const { client, visitor, namespace } = suite;
    await using inside = new Visitor(await internalGatewayAddress(client));
    const outside = `http://private.${namespace}.localhost`;
    const disabled = { 'run.googleapis.com/default-url-disabled': 'True' };
    const service = await readyService(client, namespace, 'private', { serviceAnnotations: disabled });
    assert.equal(service.url, `http://private.${namespace}.svc.cluster.local`);
    assert.match((await inside.ask(service.url)).body, /Hello/);
    assert.equal((await visitor.ask(service.url)).status, 404, 'who knows the inner name has to be inside');
    assert.equal((await visitor.ask(outside)).status, 404);
    // An annotation of the service is no new generation of it, so Ready tells nothing of the change.
    await applyService(client, helloService(namespace, 'private'));
    await until('the default URL to be shown', async () => {
      const { status } = await serviceReady(client, namespace, 'private');
      return status?.url === outside;
    });
    await until('the default URL to answer', async () => (await visitor.ask(outside)).status === 200);
    const internal = { 'run.googleapis.com/ingress': 'internal' };
    await applyService(client, helloService(namespace, 'private', { serviceAnnotations: internal }));
    await until('it to be shut', async () => (await visitor.ask(outside)).status === 404);
    assert.match((await inside.ask(outside)).body, /Hello/);
    assert.equal((await revisionsOf(client, namespace, 'private')).length, 1);
  });

  it('a rollout under 100 requests a second fails not one of them', async () => {
    const { client, visitor, namespace } = suite;
    const service = await readyService(client, namespace, 'rollout', { env: { TARGET: 'old' } });
    const stop = new AbortController();
    const load = constantLoad(visitor, service.url, 100, stop.signal);
    await applyService(client, helloService(namespace, 'rollout', { env: { TARGET: 'new' } }));
    await serviceReady(client, namespace, 'rollout');
    await until('the new revision to answer', async () => /new/.test((await visitor.ask(service.url)).body));
    // Old and new are both asked for a while after the change, when the old one's instances begin to go.
    await new Promise((resolve) => setTimeout(resolve, 5000));
    stop.abort();
    const { sent, failures, bodies } = await load;
    assert.deepEqual(failures, []);
    assert.ok(sent > 500, `only ${sent} requests were sent`);
    assert.ok((bodies.get('Hello old!') ?? 0) > 0 && (bodies.get('Hello new!') ?? 0) > 0);
  });

  it('a gradual roll-out moves traffic in steps, fails no request, and is over in time', async () => {
    const { client, visitor, namespace } = suite;
    const serviceAnnotations = { 'serving.knative.dev/rollout-duration': '20s' };
    const options = (TARGET: string) => ({ env: { TARGET }, serviceAnnotations });
    const service = await readyService(client, namespace, 'gradual', options('old'));
    const stop = new AbortController();
    const load = constantLoad(visitor, service.url, 100, stop.signal);
    await applyService(client, helloService(namespace, 'gradual', options('new')));
    const look = async () => {
      const { status } = (await client.get<Service>(SERVICES, { namespace, name: 'gradual' })) as Service;
      const ready = status?.conditions?.find(({ type }) => type === 'Ready');
      return { ready, percents: status?.traffic?.map(({ percent = 0 }) => percent) ?? [] };
    };
    await until('the roll-out to begin', async () => (await look()).percents.length === 2);
    const startedAt = Date.now();
    const looks: Awaited<ReturnType<typeof look>>[] = [];
    await until('the roll-out to end', async () => {
      const found = await look();
      looks.push(found);
      return found.percents.length === 1 && found.ready?.status === 'True';
    });
    const tookMs = Date.now() - startedAt;
    stop.abort();
    const { failures, bodies } = await load;
    assert.deepEqual(failures, []);
    assert.ok(tookMs > 17_000 && tookMs < 40_000, `${tookMs} ms`);
    for (const { ready, percents } of looks) {
      const total = percents.reduce((sum, percent) => sum + percent, 0);
      assert.equal(total, 100);
      if (percents.length === 2) assert.equal(ready?.reason, 'RolloutInProgress');
    }
    const seen = looks.map(({ percents }) => percents.at(-1) ?? 0);
    assert.ok((seen[0] ?? 100) <= 6 && new Set(seen).size >= 10, seen.join(' '));
    assert.deepEqual(
      seen,
      seen.toSorted((a, b) => a - b),
    );
    const [before, after] = ['old', 'new'].map((target) => bodies.get(`Hello ${target}!`) ?? 0);
    assert.ok(Number(before) > 500 && Number(after) > 500, `${before} old, ${after} new`);
  });

  it('a host that no service has is answered with 404 and one clear line', async () => {
    const { visitor, namespace } = suite;
    const { status, body } = await visitor.ask(`http://unknown.${namespace}.localhost/`);
    assert.equal(status, 404);
    assert.equal(body.trim().split('\n').length, 1);
  });
});
