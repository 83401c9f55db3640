import assert from 'node:assert/strict';
import { NAMESPACE, useInstallation } from '../../operator/webhook/testing/installation.ts';
import { kubectl } from '../lib/tools.ts';
import { installKeda } from './definitions.ts';
import { examples, scaledObject } from './examples.ts';
import { problemsOf, type Trigger } from './trigger.ts';

const DRY_RUN = ['apply', '-n', NAMESPACE, '--dry-run=server', '--validate=strict', '-f', '-'];

/** What the check of triggers must find, lest it finds nothing anywhere. */
const WRONG: Record<string, { reason: string; trigger: Trigger; problem: RegExp }> = {
  'a parameter that KEDA does not read': {
    reason: 'a typing error would go unnoticed, as metadata is a map of any strings',
    trigger: kafka({ lagTreshold: '50' }),
    problem: /^lagTreshold is unknown$/,
  },
  'a parameter that is missing': {
    reason: 'KEDA starts no scaler without it',
    trigger: { type: 'prometheus', metadata: { serverAddress: 'http://prometheus', query: 'up' } },
    problem: /^threshold is missing$/,
  },
  'a value of another set': {
    reason: 'KEDA refuses it',
    trigger: kafka({ offsetResetPolicy: 'newest' }),
    problem: /^offsetResetPolicy is newest; it must be one of latest, earliest$/,
  },
  'a scaler that KEDA will remove': {
    reason: 'an example should outlive the next version',
    trigger: { type: 'gcp-pubsub', metadata: { subscriptionName: 'orders', value: '20' } },
    problem: /^value: .*deprecated/,
  },
};

function kafka(metadata: Trigger['metadata']): Trigger {
  return {
    type: 'kafka',
    metadata: { bootstrapServers: 'kafka:9092', consumerGroup: 'consumer', ...metadata },
  };
}

describe("the examples of docs/worker-pools.md, KEDA's kinds and a real API server", function () {
  this.timeout(300_000);
  const cluster = useInstallation();
  before(() => installKeda(cluster.server));

  for (const objects of examples()) {
    it(`takes ${objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`).join(', ')}`, async () => {
      const items = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
      const taken = await kubectl(
        cluster.server,
        DRY_RUN,
        items.replaceAll('REGISTRY', 'registry.example.com'),
      );
      assert.equal(taken.match(/created \(server dry run\)/g)?.length, objects.length, taken);
    });
  }

  for (const type of ['kafka', 'prometheus']) {
    it(`gives the trigger ${type} what its scaler needs, and nothing that KEDA does not know`, () => {
      assert.deepEqual(scaledObject(type).spec.triggers.flatMap(problemsOf), []);
    });
  }

  for (const [name, { reason, trigger, problem }] of Object.entries(WRONG)) {
    it(`would not have ${name}: ${reason}`, () => {
      const problems = problemsOf(trigger);
      assert.equal(problems.length, 1, problems.join('; '));
      assert.match(problems[0] ?? '', problem);
    });
  }
});
