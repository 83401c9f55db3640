import { projectId } from '../identity.ts';

/** Who a RoleBinding is for (Kubernetes, RBAC). */
export interface Subject {
  kind: 'User' | 'Group' | 'ServiceAccount';
  apiGroup?: 'rbac.authorization.k8s.io';
  name: string;
  namespace?: string;
}

/** What members of service accounts depend on. */
export interface MemberContext {
  /** The namespace of the policy. */
  namespace: string;
  /** The number of its project, where that is known. */
  projectNumber?: string;
  /** The project ID of any namespace, with `{namespace}`. */
  projectIdTemplate: string;
  /** E-mail address -> name of a ServiceAccount in the namespace of the policy. */
  serviceAccounts: Readonly<Record<string, string>>;
}

/** All that a policy may name, for messages. */
export const MEMBER_FORMS =
  'user:EMAIL, group:EMAIL, serviceAccount:NAME@PROJECT.iam.gserviceaccount.com, domain:DOMAIN, principal://…, ' +
  'principalSet://…, allUsers or allAuthenticatedUsers';

/** Longest member, in characters. */
const LONGEST = 512;
const PLAIN = /^[^\p{C}\s]+$/u;
/** As operator/apis/iam/membership.ts reads addresses in tokens. */
const EMAIL = /^[^\s@:/]+@[^\s@:/]+$/;
const DOMAIN = /^([a-z0-9]([-a-z0-9]*[a-z0-9])?\.)+[a-z0-9]([-a-z0-9]*[a-z0-9])?$/i;
const OWN_ACCOUNT =
  /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?)@([a-z0-9]([-a-z0-9]*[a-z0-9])?)\.iam\.gserviceaccount\.com$/;
const DEFAULT_ACCOUNT = /^([0-9]+)-compute@developer\.gserviceaccount\.com$/;
const NAMESPACE = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/**
 * Who a member is in Kubernetes (IAM, Principal identifiers).
 * @returns a sentence that continues the member, such as "it must be …", where it is none.
 */
export function subjectsOf(member: string, context: MemberContext): Subject[] | string {
  if (member.length > LONGEST) return `it must have at most ${LONGEST} characters`;
  if (!PLAIN.test(member)) return 'it must have no spaces and no control characters';
  if (member === 'allUsers') return [group('system:unauthenticated'), group('system:authenticated')];
  if (member === 'allAuthenticatedUsers') return [group('system:authenticated')];
  if (/^principal:\/\/./.test(member)) return [user(member)];
  if (/^principalSet:\/\/./.test(member)) return [group(member)];
  const colon = member.indexOf(':');
  const type = member.slice(0, Math.max(colon, 0));
  const name = member.slice(colon + 1);
  switch (type) {
    case 'user':
      // Addresses have no case: an identity token makes its bearer the one in lower case.
      return EMAIL.test(name) ? [...new Set([name, name.toLowerCase()])].map(user) : 'it must be user:EMAIL';
    case 'group':
      return EMAIL.test(name) ? [group(name)] : 'it must be group:EMAIL';
    case 'domain':
      return DOMAIN.test(name)
        ? [group(member.toLowerCase())]
        : 'it must be domain: and a domain such as example.com';
    case 'serviceAccount':
      return serviceAccount(name, context);
    case 'deleted':
      return 'members that were deleted cannot be kept here';
  }
  return `it must be one of ${MEMBER_FORMS}`;
}

function user(name: string): Subject {
  return { kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name };
}

/** No member can be one of Kubernetes' own groups: an address has an @, which no name of theirs has. */
function group(name: string): Subject {
  return { kind: 'Group', apiGroup: 'rbac.authorization.k8s.io', name };
}

/** The same order as in operator/apis/identity.ts: the address that the chart maps, the default account, any other. */
function serviceAccount(email: string, context: MemberContext): Subject[] | string {
  const { namespace, projectNumber, projectIdTemplate, serviceAccounts } = context;
  const mapped = Object.hasOwn(serviceAccounts, email) ? serviceAccounts[email] : undefined;
  if (mapped) return [{ kind: 'ServiceAccount', name: mapped, namespace }];
  const number = DEFAULT_ACCOUNT.exec(email)?.[1];
  if (number !== undefined) {
    return number === projectNumber
      ? [{ kind: 'ServiceAccount', name: 'default', namespace }]
      : `it is not of this project${projectNumber ? `, whose number is ${projectNumber}` : ''}; write default@PROJECT.iam.gserviceaccount.com`;
  }
  const [, name, , id] = OWN_ACCOUNT.exec(email) ?? [];
  if (!name || !id) return 'it must be serviceAccount:NAME@PROJECT.iam.gserviceaccount.com';
  const home =
    id === projectId(projectIdTemplate, namespace) ? namespace : namespaceOf(projectIdTemplate, id);
  return home === undefined
    ? `no namespace stands for the project ${id}`
    : [{ kind: 'ServiceAccount', name, namespace: home }];
}

/** The namespace that stands for a project; undefined where no name of a namespace gives that ID. */
function namespaceOf(template: string, id: string): string | undefined {
  const [before = '', ...after] = template.split('{namespace}');
  if (after.length === 0) return undefined;
  const rest = after.join('').length + before.length;
  const length = (id.length - rest) / after.length;
  const namespace = id.slice(before.length, before.length + Math.max(length, 0));
  return NAMESPACE.test(namespace) && projectId(template, namespace) === id ? namespace : undefined;
}

/** The members in the annotation of a RoleBinding; none where it is missing or no JSON list of texts. */
export function readMembers(annotation: string | undefined): string[] {
  try {
    const members: unknown = JSON.parse(annotation ?? '[]');
    return Array.isArray(members) ? members.filter((member) => typeof member === 'string') : [];
  } catch {
    return [];
  }
}
