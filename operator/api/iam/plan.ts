import { createHash } from 'node:crypto';
import { IAM, type PolicyKind } from '../../apis/iam/bindings.ts';
import { readMembers } from '../../apis/iam/members.ts';
import { clusterRoleName, rulesForOne } from '../../apis/iam/roles.ts';
import type { Role, RoleBinding } from '../../kube/core.ts';
import { compareTexts, deepEqual } from '../../kube/json.ts';
import type { KubeObject } from '../../kube/types.ts';
import { mergePermissions } from '../../rbac.ts';
import { ApiError } from '../errors.ts';
import type { Policy, WantedBinding, WantedPolicy } from './policy.ts';

/** What has a policy. */
export interface PolicyTarget {
  kind: PolicyKind;
  namespace: string;
  /** Of a project, its namespace. */
  name: string;
}

/** The object of a policy, which its bindings belong to and go with; none for a project. */
export type PolicyOwner = Pick<KubeObject, 'apiVersion' | 'kind' | 'metadata'> | undefined;

/** What to write; everything else stays as it is. */
export interface PolicyPlan {
  creates: RoleBinding[];
  /** With the `resourceVersion` that they replace. */
  updates: RoleBinding[];
  deletes: RoleBinding[];
  /** What those that are created or changed refer to; none for a project, whose roles are ClusterRoles. */
  roles: Role[];
}

/** The etag of a policy without bindings, as Google's. */
const EMPTY = 'ACAB';
const RBAC = 'rbac.authorization.k8s.io';

/** Selects the bindings of a resource. */
export function policySelector({ kind, name }: PolicyTarget): string {
  return `${IAM.kind}=${kind},${IAM.resource}=${name}`;
}

/** The bindings of this very object, and not of one of its name that was deleted and has not been collected. */
export function ownBindings(stored: readonly RoleBinding[], owner: PolicyOwner): RoleBinding[] {
  return stored.filter(({ metadata: { ownerReferences = [] } }) => {
    const references = owner ? ownerReferences.filter(({ kind }) => kind === owner.kind) : [];
    return references.length === 0 || references.some(({ uid }) => uid === owner?.metadata.uid);
  });
}

/** The policy that bindings make, in the order of roles. Those of one role are one. */
export function policyOf(own: readonly RoleBinding[]): Policy {
  const members = new Map<string, Set<string>>();
  for (const binding of own) {
    const role = binding.metadata.labels?.[IAM.role];
    if (!role) continue;
    const known = members.get(role) ?? new Set();
    for (const member of readMembers(binding.metadata.annotations?.[IAM.members])) known.add(member);
    if (known.size > 0) members.set(role, known);
  }
  const bindings = [...members]
    .sort(([a], [b]) => compareTexts(a, b))
    .map(([role, known]) => ({ role: `roles/${role}`, members: [...known] }));
  return { version: 1, etag: etagOf(own), bindings };
}

/** Another one whenever a binding was added, changed or removed. */
export function etagOf(own: readonly RoleBinding[]): string {
  if (own.length === 0) return EMPTY;
  const versions = own.map(({ metadata }) => `${metadata.uid} ${metadata.resourceVersion}`).sort();
  return createHash('sha256').update(versions.join('\n')).digest().subarray(0, 9).toString('base64');
}

/**
 * What makes the stored bindings the wanted policy. A binding that already says what is wanted is not written.
 * @throws {ApiError} ABORTED when the policy has another etag than the one that the client read.
 */
export function planPolicy(
  target: PolicyTarget,
  { stored, wanted, owner }: { stored: readonly RoleBinding[]; wanted: WantedPolicy; owner: PolicyOwner },
): PolicyPlan {
  const etag = etagOf(ownBindings(stored, owner));
  if (wanted.etag !== undefined && comparable(wanted.etag) !== comparable(etag)) {
    throw new ApiError(
      'ABORTED',
      `policy.etag: is ${wanted.etag}, and the policy has ${etag}: it was changed in between. Read it again and repeat the change`,
    );
  }
  const plan: PolicyPlan = { creates: [], updates: [], deletes: [], roles: [] };
  const kept = new Set<string>();
  for (const binding of wanted.bindings) {
    const made = roleBinding(target, binding, owner);
    const present = stored.find(({ metadata }) => metadata.name === made.metadata.name);
    kept.add(made.metadata.name);
    if (present && says(present, made)) continue;
    if (present) plan.updates.push(changed(present, made));
    else plan.creates.push(made);
    if (target.kind !== 'project') plan.roles.push(roleFor(target, binding, owner));
  }
  plan.deletes.push(...stored.filter(({ metadata }) => !kept.has(metadata.name)));
  return plan;
}

/** Base64 for URLs and without padding is the same. */
function comparable(etag: string): string {
  return etag.replaceAll('-', '+').replaceAll('_', '/').replace(/=+$/, '');
}

function says(present: RoleBinding, wanted: RoleBinding): boolean {
  const { annotations, labels, ownerReferences = [] } = present.metadata;
  return (
    annotations?.[IAM.members] === wanted.metadata.annotations?.[IAM.members] &&
    labels?.[IAM.role] === wanted.metadata.labels?.[IAM.role] &&
    deepEqual(present.subjects ?? [], wanted.subjects) &&
    (wanted.metadata.ownerReferences ?? []).every(({ uid }) =>
      ownerReferences.some((each) => each.uid === uid),
    )
  );
}

/** Labels and annotations of others stay. */
function changed({ metadata }: RoleBinding, made: RoleBinding): RoleBinding {
  const { ownerReferences } = made.metadata;
  return {
    ...made,
    metadata: {
      ...metadata,
      labels: { ...metadata.labels, ...made.metadata.labels },
      annotations: { ...metadata.annotations, ...made.metadata.annotations },
      ...(ownerReferences && { ownerReferences }),
    },
  };
}

function roleBinding(target: PolicyTarget, binding: WantedBinding, owner: PolicyOwner): RoleBinding {
  const metadata = metadataOf(target, binding, owner);
  const roleRef =
    target.kind === 'project'
      ? { apiGroup: RBAC, kind: 'ClusterRole', name: clusterRoleName(binding.role) }
      : { apiGroup: RBAC, kind: 'Role', name: metadata.name };
  return {
    apiVersion: `${RBAC}/v1`,
    kind: 'RoleBinding',
    metadata: { ...metadata, annotations: { [IAM.members]: JSON.stringify(binding.members) } },
    roleRef,
    subjects: binding.subjects,
  };
}

/** The Role of a binding: what its role grants, for this one object. */
function roleFor(target: PolicyTarget, binding: WantedBinding, owner: PolicyOwner): Role {
  const permissions = rulesForOne(binding.role, target.kind).map(({ apiGroup, resource, verbs }) => ({
    apiGroups: [apiGroup],
    resources: [resource],
    verbs,
    resourceNames: [target.name],
  }));
  return {
    apiVersion: `${RBAC}/v1`,
    kind: 'Role',
    metadata: metadataOf(target, binding, owner),
    rules: mergePermissions(permissions),
  };
}

function metadataOf(target: PolicyTarget, { role }: WantedBinding, owner: PolicyOwner) {
  return {
    name: bindingName(target, role.name),
    namespace: target.namespace,
    labels: { [IAM.kind]: target.kind, [IAM.resource]: target.name, [IAM.role]: role.name },
    ...(owner && { ownerReferences: [ownerReference(owner)] }),
  };
}

/** Kinds have no dash and roles no colon, so no two bindings have one name. */
function bindingName({ kind, name }: PolicyTarget, role: string): string {
  return `iam-${kind}-${kind === 'project' ? '' : `${name}-`}${role.toLowerCase()}`;
}

function ownerReference({ apiVersion, kind, metadata }: NonNullable<PolicyOwner>) {
  return { apiVersion, kind, name: metadata.name, uid: metadata.uid ?? '' };
}
