import assert from 'node:assert/strict';
import { type BindingSubject, type IdentityClaims, principalOf, principalsOf } from './membership.ts';

const ANN: IdentityClaims = { sub: '1', email: 'Ann@Example.com', email_verified: true };
const WEB: IdentityClaims = { sub: 'system:serviceaccount:shop:web' };
const user = (name: string): BindingSubject => ({ kind: 'User', name });
const group = (name: string): BindingSubject => ({ kind: 'Group', name });
const account = (namespace: string, name: string): BindingSubject => ({
  kind: 'ServiceAccount',
  namespace,
  name,
});
const PRINCIPAL = 'principal://iam.googleapis.com/locations/global/workforcePools/staff/subject/ann';
const SET = 'principalSet://iam.googleapis.com/locations/global/workforcePools/staff/group/ops';

interface Case {
  reason: string;
  claims: IdentityClaims;
  isCluster?: boolean;
  subject: BindingSubject;
  isMember: boolean;
}

describe('membership', () => {
  const cases: Record<string, Case> = {
    'a user': {
      reason: 'addresses have no case',
      claims: ANN,
      subject: user('ann@EXAMPLE.com'),
      isMember: true,
    },
    'another user': {
      reason: 'it is not the address',
      claims: ANN,
      subject: user('bob@example.com'),
      isMember: false,
    },
    'an address that is not verified': {
      reason: 'anyone could have named it',
      claims: { ...ANN, email_verified: undefined },
      subject: user('ann@example.com'),
      isMember: false,
    },
    'an address that is verified by a text': {
      reason: 'the claim is a boolean',
      claims: { ...ANN, email_verified: 'true' },
      subject: user('ann@example.com'),
      isMember: false,
    },
    'a domain': {
      reason: 'of the verified address',
      claims: ANN,
      subject: group('domain:Example.com'),
      isMember: true,
    },
    'a domain of an address elsewhere': {
      reason: 'the organization counts, not where its mail goes',
      claims: { ...ANN, hd: 'other.org' },
      subject: group('domain:example.com'),
      isMember: false,
    },
    'a domain of Google’s that it does not manage': {
      reason: 'anyone who has such an address may have the account',
      claims: { ...ANN, iss: 'https://accounts.google.com' },
      subject: group('domain:example.com'),
      isMember: false,
    },
    'a domain that Google manages': {
      reason: 'the claim hd names it',
      claims: { ...ANN, iss: 'https://accounts.google.com', hd: 'example.com' },
      subject: group('domain:example.com'),
      isMember: true,
    },
    'a group': {
      reason: 'the issuer names it',
      claims: { ...ANN, groups: ['ops', 7] },
      subject: group('ops'),
      isMember: true,
    },
    'one group as a text': {
      reason: 'some issuers write it so',
      claims: { groups: 'ops' },
      subject: group('ops'),
      isMember: true,
    },
    'a domain as a group': {
      reason: 'domains follow from addresses alone',
      claims: { ...ANN, groups: ['domain:other.org'] },
      subject: group('domain:other.org'),
      isMember: false,
    },
    'a group of Kubernetes from another issuer': {
      reason: 'such groups are the cluster’s',
      claims: { ...ANN, groups: ['system:serviceaccounts:shop'] },
      subject: group('system:serviceaccounts:shop'),
      isMember: false,
    },
    'all authenticated users': {
      reason: 'whoever has a valid token',
      claims: {},
      subject: group('system:authenticated'),
      isMember: true,
    },
    'a ServiceAccount': {
      reason: 'the cluster says so',
      claims: WEB,
      isCluster: true,
      subject: account('shop', 'web'),
      isMember: true,
    },
    'a ServiceAccount as a user': {
      reason: 'Kubernetes names it so too',
      claims: WEB,
      isCluster: true,
      subject: user('system:serviceaccount:shop:web'),
      isMember: true,
    },
    'all ServiceAccounts of a namespace': {
      reason: 'a group of Kubernetes',
      claims: WEB,
      isCluster: true,
      subject: group('system:serviceaccounts:shop'),
      isMember: true,
    },
    'the ServiceAccount of that name in another namespace': {
      reason: 'it is another account',
      claims: WEB,
      isCluster: true,
      subject: account('other', 'web'),
      isMember: false,
    },
    'a ServiceAccount by another issuer': {
      reason: 'no other issuer knows ServiceAccounts',
      claims: WEB,
      subject: account('shop', 'web'),
      isMember: false,
    },
    'a person by the cluster': {
      reason: 'the cluster knows no addresses',
      claims: { ...WEB, ...ANN },
      isCluster: true,
      subject: user('ann@example.com'),
      isMember: false,
    },
    'a user whose name is an address with colons': {
      reason: 'it would be a ServiceAccount’s',
      claims: { email: 'system:serviceaccount:shop:web', email_verified: true },
      subject: account('shop', 'web'),
      isMember: false,
    },
    'a principal of a pool': {
      reason: 'its subject is the member',
      claims: { sub: PRINCIPAL },
      subject: user(PRINCIPAL),
      isMember: true,
    },
    'a set of principals': {
      reason: 'named as a group',
      claims: { groups: [SET] },
      subject: group(SET),
      isMember: true,
    },
    'a subject that is an address': {
      reason: 'only a verified address counts',
      claims: { sub: 'ann@example.com' },
      subject: user('ann@example.com'),
      isMember: false,
    },
    'a kind that does not exist': {
      reason: 'it names nobody',
      claims: ANN,
      subject: { kind: 'Robot', name: 'ann@example.com' },
      isMember: false,
    },
  };
  for (const [name, { reason, claims, isCluster = false, subject, isMember }] of Object.entries(cases)) {
    it(`${name}: ${reason}`, () => {
      const principal = principalOf(subject) ?? '';
      assert.equal(principalsOf(claims, isCluster).includes(principal), isMember);
    });
  }
});
