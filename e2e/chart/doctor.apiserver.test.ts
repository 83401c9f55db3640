import { deepEqual, doesNotMatch, match } from 'node:assert/strict';
import { parseConfig } from '../../operator/config.ts';
import type { Facts } from '../../operator/doctor/facts.ts';
import { gather } from '../../operator/doctor/gather.ts';
import { asRole } from './accounts.ts';
import { NAMESPACE } from './helm.ts';
import { installation } from './installation.ts';

/** `homerun doctor` in the controller's pod: with its rights, where the chart is installed and none of its pods runs. */
describe('doctor with the rights of the controller', () => {
  let facts: Facts;

  before(async function () {
    this.timeout(900_000);
    const server = await installation();
    const reach = {
      config: async () => parseConfig({ instance: { runtimeClasses: { gen2: 'kata' } } }),
      metricsOf: () => Promise.reject(new Error('no pod runs')),
      certificate: () => Promise.reject(new Error('no pod runs')),
    };
    const client = asRole(server, 'controller');
    facts = await gather({ client, reach, namespace: NAMESPACE, version: '0', now: Date.now });
  });

  it('may read all that it looks at', () => doesNotMatch(JSON.stringify(facts), /forbidden/i));

  it('finds the definitions as they are declared, and registrations that nothing serves yet', () => {
    const states = 'found' in facts.definitions ? facts.definitions.found.map(({ state }) => state) : [];
    deepEqual(states, Array(8).fill('as declared'));
    const { configurations, call } = facts.webhook;
    deepEqual('found' in configurations && configurations.found.map(({ exists }) => exists), [
      true,
      true,
      true,
    ]);
    match(('found' in call && call.found) || '', /failed calling webhook "validate\.homerun\.dev"/);
  });

  it('finds each role, and that none of its pods is ready', () => {
    const workloads = 'found' in facts.workloads ? facts.workloads.found : [];
    deepEqual(workloads.map(({ role }) => role).toSorted(), [
      'api',
      'controller',
      'gateway',
      'metadata',
      'node',
      'webhook',
    ]);
    deepEqual(new Set(workloads.map(({ ready }) => ready)), new Set([0]));
    deepEqual(facts.lease, { found: undefined });
    deepEqual(facts.runtimeClasses, { found: [{ environment: 'gen2', name: 'kata', exists: false }] });
  });

  it('counts the objects of each kind that people write', () => {
    const kinds = 'found' in facts.objects ? facts.objects.found : [];
    deepEqual(
      kinds.map(({ kind }) => kind),
      ['Service', 'Job', 'WorkerPool', 'DomainMapping'],
    );
  });
});
