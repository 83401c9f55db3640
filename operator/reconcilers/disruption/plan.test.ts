import assert from 'node:assert/strict';
import type { DisruptionBudget } from '../../kube/core.ts';
import { controllerReference } from '../../kube/owner.ts';
import { assertGolden } from '../../testing/golden.ts';
import { pooledRevision, revision } from '../../testing/serving.ts';
import { type DisruptionInput, planDisruption } from './plan.ts';

const SERVED = revision();
const WORKER = pooledRevision();

function budget(
  name: string,
  selector: object | undefined,
  owner?: DisruptionInput['revision'],
): DisruptionBudget {
  const ownerReferences = owner && [controllerReference(owner)];
  const metadata = { name, namespace: 'demo', uid: `budget-${name}`, ownerReferences };
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata,
    spec: { selector },
  } as DisruptionBudget;
}

const deployment = (replicas: number) => ({ spec: { replicas } }) as DisruptionInput['deployment'];
const OWN = budget('own', { matchLabels: { app: SERVED.metadata.name } }, SERVED);
const OTHERS = budget('others', { matchLabels: { 'serving.knative.dev/service': 'hello' } });

describe('planDisruption', () => {
  const cases: Record<
    string,
    Partial<DisruptionInput> & { want: 'made' | 'removed' | 'none'; reason: string }
  > = {
    'no minimum': { want: 'none', reason: 'instances come with requests' },
    'a minimum of one': { scaling: { min: 1 }, want: 'none', reason: 'its node could never be emptied' },
    'a minimum of two': { scaling: { min: 2 }, want: 'made', reason: 'one of them stays' },
    'a manual number': { scaling: { min: 0, manual: 3 }, want: 'made', reason: 'it is a minimum as well' },
    'a manual number of one': {
      scaling: { min: 2, manual: 1 },
      want: 'none',
      reason: 'the manual number counts',
    },
    'a minimum that is no more': { budgets: [OWN], want: 'removed', reason: 'it would hold up a node' },
    'a budget that a person has made': {
      scaling: { min: 2 },
      budgets: [OTHERS],
      want: 'none',
      reason: 'Kubernetes evicts no pod that two select',
    },
    'a budget that a person makes beside ours': {
      scaling: { min: 2 },
      budgets: [OWN, OTHERS],
      want: 'removed',
      reason: 'theirs counts',
    },
    'a budget for other pods': {
      scaling: { min: 2 },
      budgets: [budget('elsewhere', { matchLabels: { app: 'elsewhere' } }), budget('nothing', undefined)],
      want: 'made',
      reason: 'they have nothing to do with each other',
    },
    workers: {
      revision: WORKER,
      deployment: deployment(2),
      want: 'made',
      reason: 'they are not drained first',
    },
    'one worker': {
      revision: WORKER,
      deployment: deployment(1),
      want: 'none',
      reason: 'it could never be moved',
    },
    'workers that do not exist yet': { revision: WORKER, want: 'none', reason: 'the pool gives it none' },
  };
  for (const [name, { want, reason, ...changes }] of Object.entries(cases)) {
    it(`${name}: ${reason}`, () => {
      const { apply, remove } = planDisruption({
        revision: SERVED,
        scaling: { min: 0 },
        budgets: [],
        ...changes,
      });
      assert.equal(apply.length, want === 'made' ? 1 : 0);
      assert.deepEqual(
        remove.map(({ uid }) => uid),
        want === 'removed' ? ['budget-own'] : [],
      );
    });
  }

  it('lets one instance go at a time', () => {
    const { apply } = planDisruption({ revision: SERVED, scaling: { min: 2 }, budgets: [] });
    assertGolden(new URL('../revision/golden/budget.golden.yaml', import.meta.url), ...apply);
  });
});
