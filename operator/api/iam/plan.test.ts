import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { PolicyKind } from '../../apis/iam/bindings.ts';
import { IAM_ROLES } from '../../apis/iam/roles.ts';
import type { RoleBinding } from '../../kube/core.ts';
import { assertGolden } from '../../testing/golden.ts';
import { type PolicyOwner, type PolicyTarget, planPolicy, policyOf } from './plan.ts';
import { type Binding, readPolicy } from './policy.ts';

const CONTEXT = { namespace: 'demo', projectIdTemplate: '{namespace}', serviceAccounts: {} };
const TARGET: PolicyTarget = { kind: 'services', namespace: 'demo', name: 'hello' };
const PROJECT: PolicyTarget = { kind: 'project', namespace: 'demo', name: 'demo' };
const OWNER: PolicyOwner = {
  apiVersion: 'serving.knative.dev/v1',
  kind: 'Service',
  metadata: { name: 'hello', uid: 'uid-1' },
};
const INVOKER = { role: 'roles/run.invoker', members: ['allUsers'] };

const ownerFor = (target: PolicyTarget) => (target.kind === 'project' ? undefined : OWNER);

function plan(target: PolicyTarget, stored: RoleBinding[], bindings: Binding[], etag?: string) {
  const wanted = readPolicy({ bindings, etag }, target.kind, CONTEXT);
  return planPolicy(target, { stored, wanted, owner: ownerFor(target) });
}

let version = 0;
/** What the API server makes of a plan. */
function apply(
  stored: RoleBinding[],
  { creates, updates, deletes }: ReturnType<typeof planPolicy>,
): RoleBinding[] {
  const written = [...creates, ...updates].map((binding) => ({
    ...binding,
    metadata: {
      uid: `uid-${binding.metadata.name}`,
      ...binding.metadata,
      resourceVersion: String(++version),
    },
  }));
  const gone = new Set([...written, ...deletes].map(({ metadata }) => metadata.name));
  return [...stored.filter(({ metadata }) => !gone.has(metadata.name)), ...written];
}

describe('plan of a policy', () => {
  it('makes a Role and a RoleBinding for each role on a service', () => {
    const bindings = [
      { role: 'roles/run.invoker', members: ['allUsers', 'user:ann@example.com'] },
      { role: 'roles/run.developer', members: ['serviceAccount:ci@demo.iam.gserviceaccount.com'] },
    ];
    assertGolden(new URL('./golden/servicePolicy.golden.yaml', import.meta.url), plan(TARGET, [], bindings));
  });

  it('binds the ClusterRoles of the chart in a project', () => {
    const bindings = [{ role: 'roles/run.admin', members: ['group:ops@example.com', 'domain:example.com'] }];
    assertGolden(new URL('./golden/projectPolicy.golden.yaml', import.meta.url), plan(PROJECT, [], bindings));
  });

  it('replaces, whatever was there, the policy by the wanted one, and then has nothing to do', () => {
    const members = ['allUsers', 'allAuthenticatedUsers', 'user:a@b.c', 'group:g@b.c', 'domain:b.c'];
    const policyFor = (kind: PolicyKind) =>
      fc.uniqueArray(
        fc.record(
          {
            role: fc.constantFrom(
              ...IAM_ROLES.filter(({ on }) => on.includes(kind)).map(({ name }) => `roles/${name}`),
            ),
            members: fc.subarray(kind === 'project' ? members.slice(2) : members, { minLength: 1 }),
          },
          { noNullPrototype: true },
        ),
        { selector: ({ role }) => role },
      );
    const change = fc
      .constantFrom<PolicyTarget>(TARGET, PROJECT)
      .chain((target) => fc.tuple(fc.constant(target), policyFor(target.kind), policyFor(target.kind)));
    fc.assert(
      fc.property(change, ([target, first, second]) => {
        const before = apply([], plan(target, [], first));
        const after = apply(before, plan(target, before, second, policyOf(before).etag));
        const sorted = second.toSorted((a, b) => (a.role < b.role ? -1 : 1));
        assert.deepEqual(policyOf(after).bindings, sorted);
        assert.deepEqual(plan(target, after, second), { creates: [], updates: [], deletes: [], roles: [] });
        const { creates, updates, deletes } = plan(target, before, second);
        const writes = creates.length + updates.length + deletes.length;
        assert.equal(policyOf(after).etag === policyOf(before).etag, writes === 0);
        assert.match(policyOf(after).etag, /^([A-Za-z0-9+/]{4})+$/);
      }),
    );
  });

  const stored = apply([], plan(TARGET, [], [INVOKER]));

  it('refuses an etag that is not the present one, and takes one written for URLs', () => {
    const { etag } = policyOf(stored);
    assert.throws(() => plan(TARGET, stored, [], 'ACAB'), {
      code: 'ABORTED',
      message: /is ACAB, and the policy has/,
    });
    assert.throws(() => plan(TARGET, [], [], etag), { code: 'ABORTED' });
    const forUrls = etag.replaceAll('+', '-').replaceAll('/', '_');
    assert.equal(plan(TARGET, stored, [], forUrls).deletes.length, 1);
  });

  it('is no policy of another object of the same name', () => {
    const owner: PolicyOwner = { ...OWNER, metadata: { name: 'hello', uid: 'uid-2' } } as PolicyOwner;
    const wanted = readPolicy({ etag: 'ACAB', bindings: [INVOKER] }, 'services', CONTEXT);
    const { creates, updates } = planPolicy(TARGET, { stored, wanted, owner });
    assert.deepEqual([creates.length, updates[0]?.metadata.ownerReferences?.[0]?.uid], [0, 'uid-2']);
  });

  it('keeps labels and annotations of others, and mends what was changed by hand', () => {
    const [binding] = structuredClone(stored) as [RoleBinding];
    binding.metadata.annotations = { ...binding.metadata.annotations, note: 'x' };
    binding.subjects = [];
    const { updates } = plan(TARGET, [binding], [INVOKER]);
    assert.equal(updates[0]?.metadata.annotations?.note, 'x');
    assert.deepEqual(updates[0]?.subjects, stored[0]?.subjects);
    assert.equal(updates[0]?.metadata.resourceVersion, binding.metadata.resourceVersion);
  });
});
