import assert from 'node:assert/strict';
import { type MemberContext, readMembers, type Subject, subjectsOf } from './members.ts';

const CONTEXT: MemberContext = {
  namespace: 'shop',
  projectNumber: '123456789012',
  projectIdTemplate: '{namespace}-prod',
  serviceAccounts: { 'robot@legacy.iam.gserviceaccount.com': 'robot' },
};

const apiGroup = 'rbac.authorization.k8s.io' as const;
const user = (name: string): Subject => ({ kind: 'User', apiGroup, name });
const group = (name: string): Subject => ({ kind: 'Group', apiGroup, name });
const account = (namespace: string, name: string): Subject => ({ kind: 'ServiceAccount', name, namespace });
const POOL = 'iam.googleapis.com/locations/global/workforcePools/staff';

interface Case {
  reason: string;
  member: string;
  is: Subject[] | RegExp;
}

describe('members of policies', () => {
  const cases: Record<string, Case> = {
    'a user': { reason: 'by address', member: 'user:ann@example.com', is: [user('ann@example.com')] },
    'a user in capital letters': {
      reason: 'addresses have no case, names in Kubernetes have',
      member: 'user:Ann@Example.com',
      is: [user('Ann@Example.com'), user('ann@example.com')],
    },
    'a domain in capital letters': {
      reason: 'so have domains',
      member: 'domain:Example.com',
      is: [group('domain:example.com')],
    },
    'a group': { reason: 'by address', member: 'group:ops@example.com', is: [group('ops@example.com')] },
    'a domain': {
      reason: 'authentication adds the group',
      member: 'domain:example.com',
      is: [group('domain:example.com')],
    },
    'all users': {
      reason: 'with and without a token',
      member: 'allUsers',
      is: [group('system:unauthenticated'), group('system:authenticated')],
    },
    'all authenticated users': {
      reason: 'whoever has a token',
      member: 'allAuthenticatedUsers',
      is: [group('system:authenticated')],
    },
    'an account of this project': {
      reason: 'a project is a namespace',
      member: 'serviceAccount:web@shop-prod.iam.gserviceaccount.com',
      is: [account('shop', 'web')],
    },
    'an account of another project': {
      reason: 'that is another namespace',
      member: 'serviceAccount:web@other-prod.iam.gserviceaccount.com',
      is: [account('other', 'web')],
    },
    'an account that the chart maps': {
      reason: 'its address says nothing here',
      member: 'serviceAccount:robot@legacy.iam.gserviceaccount.com',
      is: [account('shop', 'robot')],
    },
    'the default account': {
      reason: 'of this project',
      member: 'serviceAccount:123456789012-compute@developer.gserviceaccount.com',
      is: [account('shop', 'default')],
    },
    'the default account of another project': {
      reason: 'nothing says which namespace',
      member: 'serviceAccount:1-compute@developer.gserviceaccount.com',
      is: /whose number is 123456789012; write default@/,
    },
    'an account of what is no project': {
      reason: 'no namespace has that ID',
      member: 'serviceAccount:web@shop.iam.gserviceaccount.com',
      is: /no namespace stands for the project shop$/,
    },
    'an account by name': {
      reason: 'Google has addresses',
      member: 'serviceAccount:web',
      is: /must be serviceAccount:NAME@PROJECT/,
    },
    'a principal': {
      reason: 'its name is the whole',
      member: `principal://${POOL}/subject/ann`,
      is: [user(`principal://${POOL}/subject/ann`)],
    },
    'a set of principals': {
      reason: 'a group of that name',
      member: `principalSet://${POOL}/*`,
      is: [group(`principalSet://${POOL}/*`)],
    },
    'an administrator of Kubernetes': {
      reason: 'its groups have no address',
      member: 'group:system:masters',
      is: /must be group:EMAIL/,
    },
    'a name with a colon': {
      reason: 'such names are those of Kubernetes',
      member: 'user:system:admin@example.com',
      is: /must be user:EMAIL/,
    },
    'no prefix': {
      reason: 'which is it?',
      member: 'ann@example.com',
      is: /must be one of user:EMAIL, group/,
    },
    'another prefix': { reason: 'unknown', member: 'robot:a@b.c', is: /must be one of user:EMAIL, group/ },
    'a key of every object': {
      reason: 'not of the map',
      member: 'serviceAccount:constructor',
      is: /must be/,
    },
    'a deleted user': {
      reason: 'it has no counterpart',
      member: 'deleted:user:a@b.c?uid=1',
      is: /deleted cannot be kept/,
    },
    nothing: { reason: 'empty', member: '', is: /no spaces/ },
    'a line break': { reason: 'no name has one', member: 'user:a\n@b.c', is: /no spaces and no control/ },
    'too long': {
      reason: 'an annotation is finite',
      member: `user:${'a'.repeat(600)}@b.c`,
      is: /at most 512/,
    },
  };
  for (const [name, { reason, member, is }] of Object.entries(cases)) {
    it(`${name}: ${reason}`, () => {
      const found = subjectsOf(member, CONTEXT);
      if (is instanceof RegExp) assert.match(String(found), is);
      else assert.deepEqual(found, is);
    });
  }

  it('reads an annotation that is no list of texts as no members', () => {
    assert.deepEqual(readMembers('["allUsers",7]'), ['allUsers']);
    for (const text of [undefined, '', '{', '{}', 'null', '"allUsers"'])
      assert.deepEqual(readMembers(text), []);
  });
});
