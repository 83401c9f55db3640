import { deepEqual, match } from 'node:assert/strict';
import { personOf } from './claims.ts';

const iss = 'https://people.example.com';
const AUTHENTICATED = 'system:authenticated';

interface Case {
  reason: string;
  claims: object;
  is: { name: string; groups?: string[]; email?: string } | RegExp;
}

describe('the person of a token', () => {
  const email = 'Ann@Example.com';
  const address = 'ann@example.com';
  const domain = 'domain:example.com';
  const cases: Record<string, Case> = {
    'a verified address': {
      reason: 'addresses have no case',
      claims: { email, email_verified: true },
      is: { name: address, email: address, groups: [domain, AUTHENTICATED] },
    },
    'an address that is not verified': {
      reason: 'anyone may have written it',
      claims: { email },
      is: { name: `${iss}#7` },
    },
    'an address that is verified as a text': {
      reason: 'only true is true',
      claims: { email, email_verified: 'true' },
      is: { name: `${iss}#7` },
    },
    'no address': { reason: 'two issuers are two people', claims: {}, is: { name: `${iss}#7` } },
    'a principal of a workforce pool': {
      reason: 'policies name it so',
      claims: { sub: 'principal://pool/subject/ann' },
      is: { name: 'principal://pool/subject/ann' },
    },
    groups: {
      reason: 'of the configured claim, once each',
      claims: { roles: ['ops', 'ops', 'platform team', 7], groups: ['other'] },
      is: { name: `${iss}#7`, groups: ['ops', 'platform team', AUTHENTICATED] },
    },
    'one group': {
      reason: 'some issuers write no list',
      claims: { roles: 'ops' },
      is: { name: `${iss}#7`, groups: ['ops', AUTHENTICATED] },
    },
    'a name of the cluster': {
      reason: 'only the cluster gives it',
      claims: { sub: 'system:admin' },
      is: /sub of the token is system:admin/,
    },
    'no sub': { reason: 'every token has one', claims: { sub: undefined }, is: /has no sub/ },
    'a sub that ends a header': { reason: 'it goes into one', claims: { sub: 'a\r\nb' }, is: /has no sub/ },
    'a group of the cluster': {
      reason: 'it may do everything',
      claims: { roles: ['ops', 'system:masters'] },
      is: /the group "system:masters"/,
    },
    'a group of a domain': {
      reason: 'it follows from the address',
      claims: { roles: ['domain:example.com'] },
      is: /the group "domain:example.com"/,
    },
    'a group after a space': {
      reason: 'a header loses the space',
      claims: { roles: [' system:masters'] },
      is: /the group " system:masters"/,
    },
    'a group after a tab': { reason: 'so it does', claims: { roles: ['\tsystem:masters'] }, is: /the group/ },
    'a group of two lines': { reason: 'it goes into a header', claims: { roles: ['a\nb'] }, is: /the group/ },
    'an empty group': { reason: 'it is none', claims: { roles: [''] }, is: /the group ""/ },
    'a domain of two lines': {
      reason: 'it goes into a header',
      claims: { email, email_verified: true, hd: 'a\nb' },
      is: /domain of the address/,
    },
  };
  for (const [name, { reason, claims, is }] of Object.entries(cases)) {
    it(`${name}: ${reason}`, () => {
      const found = personOf({ iss, sub: '7', ...claims }, 'roles');
      if (is instanceof RegExp) return match(String(found), is);
      deepEqual(found, { groups: [AUTHENTICATED], ...is });
    });
  }
});
