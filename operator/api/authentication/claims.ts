import { type IdentityClaims, RESERVED_GROUP, verifiedAddress } from '../../apis/iam/membership.ts';
import type { Person } from '../resources/resources.ts';

/** What the API server puts everyone in who has a token. */
const AUTHENTICATED = 'system:authenticated';
/** A name that a header keeps as it is: no control characters, no spaces around it. */
const PLAIN = /^[^\s\p{C}]([^\p{C}]*[^\s\p{C}])?$/u;

/**
 * Who the bearer of a valid token is to the cluster: the verified address; else the `sub` of a workforce pool, which
 * policies name as it is; else ISSUER#SUB, as the API server itself names people, so that two issuers mean two people.
 * @param groupsClaim the claim with the groups: a text, or a list of them.
 * @returns a sentence that says why the token makes nobody, where it has a name or a group that only the cluster gives.
 */
export function personOf(claims: IdentityClaims, groupsClaim: string): Person | string {
  const { iss, sub } = claims;
  const { address, domain } = verifiedAddress(claims) ?? {};
  if (typeof sub !== 'string' || !PLAIN.test(sub))
    return 'The token has no sub, or one with control characters.';
  if (sub.startsWith('system:')) return `The sub of the token is ${sub}; such names are the cluster's own.`;
  const groups = textsOf(claims, groupsClaim);
  const refused = groups.find((group) => !PLAIN.test(group) || RESERVED_GROUP.test(group));
  if (refused !== undefined) {
    return `The token has the group ${JSON.stringify(refused)}; an issuer can put no one in a group of this name.`;
  }
  const domains = domain === undefined ? [] : [`domain:${domain}`];
  const all = [...new Set([...groups, ...domains, AUTHENTICATED])];
  if (!all.every((group) => PLAIN.test(group))) return 'The domain of the address is not valid.';
  if (address !== undefined && PLAIN.test(address)) return { name: address, groups: all, email: address };
  return { name: sub.startsWith('principal://') ? sub : `${iss}#${sub}`, groups: all };
}

function textsOf(claims: object, claim: string): string[] {
  const value: unknown = Object.hasOwn(claims, claim) ? claims[claim as keyof typeof claims] : undefined;
  return [value].flat().filter((each) => typeof each === 'string');
}
