import assert from 'node:assert/strict';
import { SERVING } from '../../../operator/apis/annotations/serving.ts';
import { CONFIGURATIONS } from '../../../operator/apis/serving/configuration/types.ts';
import { ROUTES } from '../../../operator/apis/serving/route/types.ts';
import { SERVICES, type Service } from '../../../operator/apis/serving/service/types.ts';
import { CORE_SERVICES } from '../../../operator/kube/core.ts';
import { isKubeError } from '../../../operator/kube/errors.ts';
import { kubectl, revisionsOf, SYSTEM_NAMESPACE, serviceReady } from '../../lib/cluster.ts';
import { killRole, podsOfRole, roleReplaced, withoutControllers } from '../../lib/roles.ts';
import { applyService, helloService, readyService } from '../../lib/services.ts';
import { useSuite } from '../../lib/suite.ts';
import { until } from '../../lib/wait.ts';

/** No registry has it, so that a service of it is judged, stored and reconciled, and starts nothing. */
const NO_IMAGE = 'registry.kube-system.svc/there-is-no-such-image:1';
const IMPOSSIBLE = { timeoutSeconds: 3601 };

describe('admission', function () {
  this.timeout(300_000);
  const suite = useSuite('e2e-admission');

  const idle = (name: string, options: object = {}) =>
    helloService(suite.namespace, name, { image: NO_IMAGE, ...options });

  it('fills in the defaults of Cloud Run, and kubectl apply finds nothing to change afterwards', async () => {
    const { client, namespace } = suite;
    const yaml = `{apiVersion: serving.knative.dev/v1, kind: Service, metadata: {name: filled, namespace: ${namespace}}, spec: {template: {spec: {containers: [{image: "${NO_IMAGE}"}]}}}}`;
    await kubectl(['apply', '-f', '-'], yaml);
    await kubectl(['apply', '-f', '-'], yaml);
    await kubectl(['diff', '-f', '-'], yaml);
    await kubectl(['apply', '--server-side', '--force-conflicts', '-f', '-'], yaml);
    const service = await client.get(SERVICES, { namespace, name: 'filled' });
    const { containerConcurrency, timeoutSeconds, containers } = service?.spec.template.spec ?? {};
    assert.deepEqual([containerConcurrency, timeoutSeconds], [80, 300]);
    assert.deepEqual(containers?.[0]?.resources?.limits, { cpu: '1000m', memory: '512Mi' });
    assert.deepEqual(service?.spec.traffic, [{ latestRevision: true, percent: 100 }]);
    assert.equal(service?.metadata.generation, 1);
  });

  it('names who made a service on all that it is made of', async () => {
    const { client, namespace } = suite;
    const ref = { namespace, name: 'signed' };
    await readyService(client, namespace, 'signed', { serviceAnnotations: { [SERVING.creator]: 'mallory' } });
    const parts = [
      await client.get(SERVICES, ref),
      await client.get(CONFIGURATIONS, ref),
      await client.get(ROUTES, ref),
      await client.get(CORE_SERVICES, ref),
    ];
    for (const part of parts) {
      const { [SERVING.creator]: creator, [SERVING.lastModifier]: modifier } =
        part?.metadata.annotations ?? {};
      assert.ok(
        creator && creator !== 'mallory' && creator === modifier,
        `${part?.kind}: ${creator}, ${modifier}`,
      );
    }
  });

  it('tells all that is wrong in one answer', async () => {
    const wrong = idle('wrong', { ...IMPOSSIBLE, concurrency: 1001, traffic: [{ percent: 90 }] });
    await assert.rejects(
      kubectl(['apply', '-f', '-'], JSON.stringify(wrong)),
      ({ stderr }: { stderr: string }) => {
        assert.match(stderr, /The Service "wrong" is invalid/);
        assert.match(
          stderr,
          /^\* spec\.template\.spec\.containerConcurrency: is 1001; it must be a whole number from 0 to 1000$/m,
        );
        assert.match(
          stderr,
          /^\* spec\.template\.spec\.timeoutSeconds: is 3601; it must be a whole number from 0 to 3600$/m,
        );
        assert.match(stderr, /^\* spec\.traffic: has percents that sum to 90; they must sum to 100$/m);
        return true;
      },
    );
  });

  it('webhooks that are replaced while objects are applied reject none', async () => {
    const { client } = suite;
    const before = await podsOfRole(client, 'webhook');
    await kubectl(['rollout', 'restart', 'deployment/homerun-webhook', '-n', SYSTEM_NAMESPACE]);
    const replaced = roleReplaced(client, 'webhook', before);
    let over = false;
    void replaced.finally(() => {
      over = true;
    });
    let applied = 0;
    const path = `/apis/serving.knative.dev/v1/namespaces/${suite.namespace}/services`;
    const people = Array.from({ length: 4 }, async () => {
      while (!over) {
        await client.request('POST', path, { query: { dryRun: 'All' }, body: idle(`during-${applied++}`) });
      }
    });
    await Promise.all([replaced, ...people]);
    assert.ok(applied > 20, `only ${applied} were applied`);
  });

  it('webhooks that are all killed while people apply lose nothing and let nothing invalid in', async () => {
    const { client, namespace } = suite;
    let refusedForLack = 0;
    /** As people and their tools do: again, until there is an answer about the object itself. */
    const apply = (service: Service) =>
      until(
        `${service.metadata.name} to be judged`,
        async () => {
          try {
            await applyService(client, service);
            return 'admitted';
          } catch (error) {
            if (isKubeError(error, 'KUBE_INVALID')) return 'refused';
            refusedForLack++;
            throw error;
          }
        },
        { everyMs: 200 },
      );
    const names = Array.from({ length: 60 }, (_, i) => `killed-${i}`).values();
    const worker = async () => {
      for (const name of names) {
        const judged = await Promise.all([apply(idle(name)), apply(idle(`${name}-no`, IMPOSSIBLE))]);
        assert.deepEqual(judged, ['admitted', 'refused']);
      }
    };
    const workers = Array.from({ length: 4 }, worker);
    const killed = await killRole(client, 'webhook');
    await Promise.all(workers);
    await roleReplaced(client, 'webhook', killed);
    const stored = (await client.list(SERVICES, { namespace })).items.map(({ metadata }) => metadata.name);
    assert.deepEqual(
      stored.filter((name) => name.startsWith('killed-')).sort(),
      Array.from({ length: 60 }, (_, i) => `killed-${i}`).sort(),
    );
    assert.ok(refusedForLack > 0, 'the webhook was away for a while');
    await readyService(client, namespace, 'afterwards');
    const isMade = async () => (await revisionsOf(client, namespace, 'killed-59')).length === 1;
    await until('what was applied meanwhile to be reconciled', isMade);
  });

  it('deploys go on while no controller runs, and are carried out when there is one', async () => {
    const { client, namespace } = suite;
    await readyService(client, namespace, 'deployed-before');
    await withoutControllers(client, async () => {
      const changed = helloService(namespace, 'deployed-before', { env: { RELEASE: '2' } });
      await applyService(client, changed);
      const job = `{apiVersion: run.googleapis.com/v1, kind: Job, metadata: {name: deployed, namespace: ${namespace}}, spec: {template: {spec: {template: {spec: {containers: [{image: "${NO_IMAGE}"}]}}}}}}`;
      await kubectl(['apply', '-f', '-'], job);
      for (let i = 0; i < 20; i++)
        await applyService(client, helloService(namespace, `deployed-${i}`, { image: NO_IMAGE }));
      const stored = await client.get(SERVICES, { namespace, name: 'deployed-19' });
      assert.equal(stored?.spec.template.spec.containerConcurrency, 80, 'defaults are filled in');
      await assert.rejects(applyService(client, idle('deployed-wrong', IMPOSSIBLE)), (error) =>
        isKubeError(error, 'KUBE_INVALID'),
      );
    });
    const isRolledOut = async () => (await revisionsOf(client, namespace, 'deployed-before')).length === 2;
    await until('what was deployed meanwhile to be carried out', isRolledOut);
    await serviceReady(client, namespace, 'deployed-before');
  });

  it('1,000 services that kubectl sends as fast as it can all get an answer in time', async () => {
    const items = Array.from({ length: 1_000 }, (_, i) => idle(`many-${i}`));
    const list = { apiVersion: 'v1', kind: 'List', items };
    // Judged and not stored: what is stored in such numbers would keep the namespace from going away for minutes.
    const said = await kubectl(['create', '--dry-run=server', '-f', '-'], JSON.stringify(list));
    assert.equal(said.match(/ created \(server dry run\)$/gm)?.length, 1_000);
  });
});
