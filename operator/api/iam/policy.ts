import { at, formatted } from '../../apis/fieldError.ts';
import type { PolicyKind } from '../../apis/iam/bindings.ts';
import { type MemberContext, type Subject, subjectsOf } from '../../apis/iam/members.ts';
import { IAM_ROLES, type RoleDeclaration, roleOf } from '../../apis/iam/roles.ts';
import { type FieldViolation, invalidFields } from '../errors.ts';

/** google.iam.v1.Policy as JSON. */
export interface Policy {
  version: number;
  /** Base64. */
  etag: string;
  bindings: Binding[];
}

export interface Binding {
  role: string;
  members: string[];
}

/** A binding that can be granted. */
export interface WantedBinding {
  role: RoleDeclaration;
  members: string[];
  subjects: Subject[];
}

/** A policy as a client asks for it, with what its members and roles mean. */
export interface WantedPolicy {
  etag?: string;
  bindings: WantedBinding[];
}

/** As many as Google allows (IAM, Quotas and limits). */
const MOST_MEMBERS = 1500;
/** Maximum characters of the members of one role: they are an annotation, of which an object has at most 256 kB. */
const MOST_TEXT = 200_000;
const BASE64 = /^([A-Za-z0-9+/_-]{4})*([A-Za-z0-9+/_-]{2}(==)?|[A-Za-z0-9+/_-]{3}=?)?$/;
const VERSIONS = [0, 1, 3];
const PROJECT_ONLY_OTHERS = ['allUsers', 'allAuthenticatedUsers'];

/**
 * The policy of a request, checked (google.iam.v1.SetIamPolicyRequest).
 * @param kind what it is the policy of.
 * @throws {ApiError} INVALID_ARGUMENT that names each wrong field and its value.
 */
export function readPolicy(value: unknown, kind: PolicyKind, context: MemberContext): WantedPolicy {
  const found: FieldViolation[] = [];
  const say = (field: string, description: string) => void found.push({ field, description });
  const policy = objectOf(
    value,
    'policy',
    ['version', 'etag', 'bindings', 'auditConfigs', 'kind', 'resourceId'],
    say,
  );
  const { version = 0, etag, bindings = [], auditConfigs = [] } = policy;
  if (!VERSIONS.includes(version as number))
    say('policy.version', `is ${formatted(version)}; it must be 0, 1 or 3`);
  if (etag !== undefined && !(typeof etag === 'string' && BASE64.test(etag)))
    say('policy.etag', `is ${formatted(etag)}; it must be base64`);
  if (!Array.isArray(auditConfigs) || auditConfigs.length > 0)
    say('policy.auditConfigs', 'audit logs are those of the Kubernetes API server and not part of a policy');
  const wanted = new Map<string, WantedBinding>();
  if (!Array.isArray(bindings)) say('policy.bindings', `is ${formatted(bindings)}; it must be a list`);
  else
    for (const [index, binding] of bindings.entries())
      readBinding(binding, at('policy.bindings', index), { kind, context, wanted, say });
  checkSize([...wanted.values()], say);
  if (found.length > 0) throw invalidFields(found.slice(0, 50));
  return {
    etag: (etag as string | undefined) || undefined,
    bindings: [...wanted.values()].filter(({ members }) => members.length > 0),
  };
}

interface Reading {
  kind: PolicyKind;
  context: MemberContext;
  /** By role: several bindings of one role are one. */
  wanted: Map<string, WantedBinding>;
  say: (field: string, description: string) => void;
}

function readBinding(value: unknown, path: string, { kind, context, wanted, say }: Reading): void {
  const {
    role,
    members = [],
    condition,
  } = objectOf(value, path, ['role', 'members', 'condition', 'bindingId'], say);
  if (condition !== undefined && condition !== null)
    say(`${path}.condition`, 'conditions are not supported: access rules of Kubernetes have none. Remove it');
  const declaration = typeof role === 'string' ? roleOf(role) : undefined;
  if (!declaration?.on.includes(kind)) say(`${path}.role`, wrongRole(role, kind, declaration));
  if (!Array.isArray(members)) {
    say(`${path}.members`, `is ${formatted(members)}; it must be a list`);
    return;
  }
  const binding = (declaration && wanted.get(declaration.name)) ?? emptyBinding(declaration);
  if (declaration) wanted.set(declaration.name, binding);
  for (const [index, member] of members.entries()) {
    const subjects = typeof member === 'string' ? memberSubjects(member, kind, context) : 'it must be text';
    if (typeof subjects === 'string')
      say(at(`${path}.members`, index), `is ${formatted(member)}; ${subjects}`);
    else if (!binding.members.includes(member)) {
      binding.members.push(member);
      binding.subjects.push(...subjects.filter((each) => !hasSubject(binding.subjects, each)));
    }
  }
}

function emptyBinding(role = IAM_ROLES[0] as RoleDeclaration): WantedBinding {
  return { role, members: [], subjects: [] };
}

function hasSubject(subjects: readonly Subject[], { kind, name, namespace }: Subject): boolean {
  return subjects.some((each) => each.kind === kind && each.name === name && each.namespace === namespace);
}

function memberSubjects(member: string, kind: PolicyKind, context: MemberContext): Subject[] | string {
  // Resource Manager, projects.setIamPolicy: a project takes neither of these.
  if (kind === 'project' && PROJECT_ONLY_OTHERS.includes(member))
    return `a project cannot be given to ${member}; name it in the policy of a service`;
  return subjectsOf(member, context);
}

function wrongRole(role: unknown, kind: PolicyKind, declaration?: RoleDeclaration): string {
  const allowed = IAM_ROLES.filter(({ on }) => on.includes(kind)).map(({ name }) => `roles/${name}`);
  const what = declaration ? `, which is granted on ${declaration.on.join(', ')} only` : '';
  return `is ${formatted(role)}${what}; it must be one of ${allowed.join(', ')}`;
}

function checkSize(bindings: readonly WantedBinding[], say: Reading['say']): void {
  const count = bindings.reduce((sum, { members }) => sum + members.length, 0);
  if (count > MOST_MEMBERS)
    say('policy.bindings', `have ${count} members; they must have at most ${MOST_MEMBERS}`);
  for (const { role, members } of bindings) {
    const length = JSON.stringify(members).length;
    if (length > MOST_TEXT)
      say(
        'policy.bindings',
        `the members of roles/${role.name} take ${length} characters; at most ${MOST_TEXT} fit`,
      );
  }
}

/** The value as an object; says which of its fields are not known. */
function objectOf(
  value: unknown,
  path: string,
  fields: readonly string[],
  say: Reading['say'],
): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    say(path, `is ${formatted(value)}; it must be an object`);
    return {};
  }
  for (const key of Object.keys(value))
    if (!fields.includes(key)) say(`${path}.${key}`, `is not a field; those of it are ${fields.join(', ')}`);
  return value as Record<string, unknown>;
}
