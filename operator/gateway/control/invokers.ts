import { ACCESS } from '../../apis/annotations/run/access.ts';
import { parseFlag } from '../../apis/annotations/values.ts';
import { IAM } from '../../apis/iam/bindings.ts';
import { EVERYONE } from '../../apis/iam/membership.ts';
import type { Route } from '../../apis/serving/route/types.ts';
import type { RoleConfig } from '../../roles.ts';
import type { InvokersEntry } from '../shared/invokers.ts';

/** The role of those who may call a service (Cloud Run, IAM roles). */
export const INVOKER_ROLE = 'run.invoker';
/** Selects the RoleBindings of the role Invoker. */
export const INVOKER_BINDINGS = `${IAM.role}=${INVOKER_ROLE}`;

/**
 * Who may call a service by the given hosts; undefined when everyone may: its policy has `allUsers`, the check is off
 * (Cloud Run, Allow public access), or it is one that nothing restricts.
 * @param principals its members.
 */
export function invokersOf(
  { metadata: { annotations = {} } }: Pick<Route, 'metadata'>,
  hosts: () => readonly string[],
  principals: readonly string[],
  byDefault: RoleConfig<'gateway'>['invoker']['default'],
): InvokersEntry | undefined {
  if (parseFlag(annotations[ACCESS.invokerIamDisabled.key]) === true) return undefined;
  const isRestricted = annotations[ACCESS.invoker.key] === 'restricted' || byDefault === 'closed';
  if (!isRestricted || principals.includes(EVERYONE)) return undefined;
  return { audiences: [...urlsOf(hosts()), ...customAudiences(annotations)], principals };
}

/** What clients call these hosts; libraries ask for tokens with and without the slash. */
function urlsOf(hosts: readonly string[]): string[] {
  return [...new Set(hosts)].flatMap((host) =>
    ['https', 'http'].flatMap((scheme) => [`${scheme}://${host}`, `${scheme}://${host}/`]),
  );
}

/** Cloud Run, Configure custom audiences. Admission has checked the form; what is older counts as none. */
function customAudiences(annotations: Record<string, string>): string[] {
  try {
    const given: unknown = JSON.parse(annotations[ACCESS.customAudiences.key] ?? '[]');
    return Array.isArray(given) ? given.filter((audience) => typeof audience === 'string') : [];
  } catch {
    return [];
  }
}
