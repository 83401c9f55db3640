import assert from 'node:assert/strict';
import { ACCESS } from '../../apis/annotations/run/access.ts';
import { IAM } from '../../apis/iam/bindings.ts';
import { ROLE_BINDINGS, type RoleBinding } from '../../kube/core.ts';
import { Bindings } from './bindings.ts';
import { INVOKER_ROLE, invokersOf } from './invokers.ts';

const RESTRICTED = { [ACCESS.invoker.key]: 'restricted' };
const DISABLED = { [ACCESS.invokerIamDisabled.key]: 'true' };
const ALL_USERS = 'group:system:unauthenticated';

interface Case {
  reason: string;
  annotations?: Record<string, string>;
  byDefault?: 'open' | 'closed';
  principals?: string[];
  isOpen: boolean;
}

describe('invokersOf', () => {
  const cases: Record<string, Case> = {
    'a service by kubectl': { reason: 'the chart’s default is open', isOpen: true },
    'with members': {
      reason: 'they restrict nothing by themselves',
      principals: ['user:a@b.c'],
      isOpen: true,
    },
    'a service by the Admin API': { reason: 'closed until opened', annotations: RESTRICTED, isOpen: false },
    'opened to all users': {
      reason: 'its policy says so',
      annotations: RESTRICTED,
      principals: [ALL_USERS],
      isOpen: true,
    },
    'opened to all with a token': {
      reason: 'a token is needed',
      annotations: RESTRICTED,
      principals: ['group:system:authenticated'],
      isOpen: false,
    },
    'with the check off': {
      reason: 'it takes precedence',
      annotations: { ...RESTRICTED, ...DISABLED },
      isOpen: true,
    },
    'with the check not off': {
      reason: 'as without the annotation',
      annotations: { ...RESTRICTED, [ACCESS.invokerIamDisabled.key]: 'false' },
      isOpen: false,
    },
    'closed by default': { reason: 'the chart says so', byDefault: 'closed', isOpen: false },
    'closed by default, with the check off': {
      reason: 'the service says so',
      byDefault: 'closed',
      annotations: DISABLED,
      isOpen: true,
    },
    'another value': {
      reason: 'admission refuses it; nothing follows from it',
      annotations: { [ACCESS.invoker.key]: 'Restricted' },
      isOpen: true,
    },
  };
  for (const [name, { reason, annotations, byDefault = 'open', principals = [], isOpen }] of Object.entries(
    cases,
  )) {
    it(`${name}: ${reason}`, () => {
      const route = { metadata: { name: 'hello', annotations } };
      const invokers = invokersOf(route, () => ['hello.test'], principals, byDefault);
      assert.equal(invokers === undefined, isOpen);
    });
  }

  const audiences = (custom?: string) => {
    const annotations = { ...RESTRICTED, ...(custom && { [ACCESS.customAudiences.key]: custom }) };
    const route = { metadata: { name: 'hello', annotations } };
    return invokersOf(route, () => ['hello.test', 'hello.test', 'hello.ns'], [], 'open')?.audiences;
  };
  const URLS = ['hello.test', 'hello.ns'].flatMap((host) =>
    ['https', 'http'].flatMap((scheme) => [`${scheme}://${host}`, `${scheme}://${host}/`]),
  );

  it('takes tokens for the URLs of all hosts, and for custom audiences', () => {
    assert.deepEqual(audiences(), URLS);
    assert.deepEqual(audiences('["a","https://b"]'), [...URLS, 'a', 'https://b']);
    for (const invalid of ['{', '"a"', '{}', 'null', '[1]']) assert.deepEqual(audiences(invalid), URLS);
  });
});

const binding = (
  name: string,
  resource: string | undefined,
  subjects: RoleBinding['subjects'],
  { namespace = 'ns', kind = 'services' } = {},
): RoleBinding => ({
  apiVersion: ROLE_BINDINGS.apiVersion,
  kind: ROLE_BINDINGS.kind,
  metadata: {
    name,
    namespace,
    labels: { [IAM.kind]: kind, [IAM.role]: INVOKER_ROLE, ...(resource && { [IAM.resource]: resource }) },
  },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
  subjects,
});
const person = (name: string) => ({ kind: 'User', name });

describe('Bindings', () => {
  let changes: [string, string | undefined][];
  let bindings: Bindings;
  beforeEach(() => {
    changes = [];
    bindings = new Bindings((...change) => changes.push(change));
  });

  it('hold for their service, in their namespace', () => {
    bindings.set(
      binding('a', 'hello', [
        person('Ann@x.test'),
        { kind: 'ServiceAccount', namespace: 'other', name: 'web' },
      ]),
    );
    bindings.set(binding('b', 'hello', [person('bob@x.test')]));
    bindings.set(binding('a', 'hello', [person('eve@x.test')], { namespace: 'evil' }));
    assert.deepEqual(bindings.principals('ns', 'hello'), [
      'user:ann@x.test',
      'user:bob@x.test',
      'user:system:serviceaccount:other:web',
    ]);
    assert.deepEqual(bindings.principals('ns', 'other'), []);
    assert.deepEqual(changes, [
      ['ns', 'hello'],
      ['ns', 'hello'],
      ['evil', 'hello'],
    ]);
  });

  it('of a project hold for all services of the namespace', () => {
    bindings.set(binding('p', undefined, [person('ann@x.test')], { kind: 'project' }));
    assert.deepEqual(bindings.principals('ns', 'hello'), ['user:ann@x.test']);
    assert.deepEqual(bindings.principals('other', 'hello'), []);
    assert.deepEqual(changes, [['ns', undefined]]);
  });

  it('end when they are removed, or changed to another service', () => {
    const first = binding('a', 'hello', [person('ann@x.test')]);
    bindings.set(first);
    bindings.set(binding('a', 'other', [person('ann@x.test')]));
    assert.deepEqual(
      [bindings.principals('ns', 'hello'), bindings.principals('ns', 'other').length],
      [[], 1],
    );
    bindings.set(first, true);
    assert.deepEqual(bindings.principals('ns', 'other'), []);
    assert.deepEqual(changes.slice(1), [
      ['ns', 'hello'],
      ['ns', 'other'],
      ['ns', 'other'],
    ]);
  });

  it('of jobs, of worker pools, or without a resource hold for no service', () => {
    const everyone = [person('ann@x.test')];
    bindings.set(binding('j', 'hello', everyone, { kind: 'jobs' }));
    bindings.set(binding('w', 'hello', everyone, { kind: 'workerpools' }));
    bindings.set(binding('n', undefined, everyone));
    bindings.set(binding('c', 'hello', everyone, { kind: 'constructor' }));
    assert.deepEqual(bindings.principals('ns', 'hello'), []);
    assert.deepEqual(changes, []);
  });
});
