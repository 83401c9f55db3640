import assert from 'node:assert/strict';
import type { PolicyKind } from '../../apis/iam/bindings.ts';
import type { MemberContext } from '../../apis/iam/members.ts';
import { ApiError } from '../errors.ts';
import { readPolicy } from './policy.ts';

const CONTEXT: MemberContext = { namespace: 'demo', projectIdTemplate: '{namespace}', serviceAccounts: {} };
const INVOKER = 'roles/run.invoker';

interface Case {
  reason: string;
  policy: unknown;
  kind?: PolicyKind;
  wrong: Record<string, RegExp>;
}

describe('policies in requests', () => {
  const cases: Record<string, Case> = {
    'no policy': {
      reason: 'required',
      policy: undefined,
      wrong: { policy: /is unset; it must be an object/ },
    },
    'a list': { reason: 'not an object', policy: [], wrong: { policy: /is \[\]/ } },
    'an unknown field': {
      reason: 'a typo',
      policy: { binding: [] },
      wrong: { 'policy.binding': /is not a field/ },
    },
    'version 2': {
      reason: 'Google has none',
      policy: { version: 2 },
      wrong: { 'policy.version': /is 2; it must be 0, 1 or 3/ },
    },
    'an etag that is not base64': {
      reason: 'gcloud reads it as bytes',
      policy: { etag: '%' },
      wrong: { 'policy.etag': /is "%"; it must be base64/ },
    },
    'audit configurations': {
      reason: 'not here',
      policy: { auditConfigs: [{ service: 'allServices' }] },
      wrong: { 'policy.auditConfigs': /audit logs are those of the Kubernetes API server/ },
    },
    'an unknown role': {
      reason: 'no such role here',
      policy: { bindings: [{ role: 'roles/owner', members: ['allUsers'] }] },
      wrong: {
        'policy.bindings[0].role': /is "roles\/owner"; it must be one of roles\/run.admin, .*invoker/,
      },
    },
    'a role of a project on a service': {
      reason: 'it is about accounts',
      policy: { bindings: [{ role: 'roles/iam.serviceAccountUser', members: ['user:a@b.c'] }] },
      wrong: { 'policy.bindings[0].role': /which is granted on project only; it must be/ },
    },
    'invokers of a worker pool': {
      reason: 'nothing can call one',
      kind: 'workerpools',
      policy: { bindings: [{ role: INVOKER, members: ['allUsers'] }] },
      wrong: { 'policy.bindings[0].role': /granted on services, jobs, project only/ },
    },
    'a condition': {
      reason: 'Kubernetes has none',
      policy: {
        version: 3,
        bindings: [{ role: INVOKER, members: ['allUsers'], condition: { expression: 'true' } }],
      },
      wrong: {
        'policy.bindings[0].condition': /conditions are not supported: access rules of Kubernetes have none/,
      },
    },
    'members of several kinds of wrong': {
      reason: 'each is named',
      policy: { bindings: [{ role: INVOKER, members: ['allUsers', 'ann', 7] }] },
      wrong: {
        'policy.bindings[0].members[1]': /is "ann"; it must be one of user:EMAIL/,
        'policy.bindings[0].members[2]': /is 7; it must be text/,
      },
    },
    'everybody in a project': {
      reason: 'Resource Manager forbids it',
      kind: 'project',
      policy: { bindings: [{ role: INVOKER, members: ['allUsers'] }] },
      wrong: { 'policy.bindings[0].members[0]': /a project cannot be given to allUsers/ },
    },
    'too many members': {
      reason: "Google's limit",
      policy: {
        bindings: [
          { role: INVOKER, members: Array.from({ length: 1501 }, (_, i) => `user:u${i}@example.com`) },
        ],
      },
      wrong: { 'policy.bindings': /have 1501 members; they must have at most 1500/ },
    },
  };
  for (const [name, { reason, policy, kind = 'services', wrong }] of Object.entries(cases)) {
    it(`refuses ${name}: ${reason}`, () => {
      assert.throws(
        () => readPolicy(policy, kind, CONTEXT),
        (error) => {
          assert.ok(error instanceof ApiError && error.code === 'INVALID_ARGUMENT');
          const [{ fieldViolations }] = error.details as [
            { fieldViolations: { field: string; description: string }[] },
          ];
          assert.deepEqual(
            fieldViolations.map(({ field }) => field),
            Object.keys(wrong),
          );
          for (const { field, description } of fieldViolations)
            assert.match(description, wrong[field] as RegExp);
          return true;
        },
      );
    });
  }

  it('takes several bindings of a role as one, each member once, and leaves out those without members', () => {
    const bindings = [
      { role: INVOKER, members: ['allUsers', 'user:a@b.c'] },
      { role: 'roles/run.viewer', members: [] },
      { role: INVOKER, members: ['allAuthenticatedUsers', 'allUsers'] },
    ];
    const wanted = readPolicy({ etag: 'ACAB', version: 1, bindings }, 'services', CONTEXT);
    assert.equal(wanted.etag, 'ACAB');
    assert.deepEqual(
      wanted.bindings.map(({ role, members, subjects }) => [
        role.name,
        members,
        subjects.map(({ name }) => name),
      ]),
      [
        [
          'run.invoker',
          ['allUsers', 'user:a@b.c', 'allAuthenticatedUsers'],
          ['system:unauthenticated', 'system:authenticated', 'a@b.c'],
        ],
      ],
    );
  });
});
