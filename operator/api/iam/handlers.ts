import { at, formatted } from '../../apis/fieldError.ts';
import type { PolicyKind } from '../../apis/iam/bindings.ts';
import type { MemberContext } from '../../apis/iam/members.ts';
import { ACT_AS, type AccessRule, PERMISSIONS, type PermissionName } from '../../apis/iam/permissions.ts';
import { JOBS } from '../../apis/run/job/types.ts';
import { WORKER_POOLS } from '../../apis/run/workerPool/types.ts';
import { SERVICES } from '../../apis/serving/service/types.ts';
import type { KubeClient } from '../../kube/client.ts';
import { ROLE_BINDINGS, ROLES, type RoleBinding } from '../../kube/core.ts';
import type { KubeObject, ResourceType } from '../../kube/types.ts';
import { permissionDenied } from '../authorization.ts';
import { ApiError, type FieldViolation, invalidFields } from '../errors.ts';
import { FIELD_MANAGER } from '../fieldManager.ts';
import { withPermission } from '../resources/failure.ts';
import {
  ownBindings,
  type PolicyOwner,
  type PolicyPlan,
  type PolicyTarget,
  planPolicy,
  policyOf,
  policySelector,
} from './plan.ts';
import { type Policy, readPolicy } from './policy.ts';

/** A request for a policy, over REST or gRPC. */
export interface PolicyCall {
  /** Acts as the person who asks. */
  client: KubeClient;
  target: PolicyTarget;
  context: MemberContext;
}

const TYPES: Readonly<Record<Exclude<PolicyKind, 'project'>, ResourceType<KubeObject>>> = {
  services: SERVICES,
  jobs: JOBS,
  workerpools: WORKER_POOLS,
};
const SUBJECT_ACCESS_REVIEWS = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
/** Fields of a policy that an update mask may name; what is not named is written all the same, as there is nothing else. */
const MASKABLE = ['bindings', 'etag', 'version', 'auditConfigs', 'audit_configs', '*'];
const MOST_PERMISSIONS = 100;

/**
 * The policy of a resource (google.iam.v1.IAMPolicy.GetIamPolicy).
 * @throws {ApiError} NOT_FOUND, PERMISSION_DENIED; INVALID_ARGUMENT for a version that does not exist.
 */
export async function getIamPolicy(
  call: PolicyCall,
  { requestedPolicyVersion = 0 }: { requestedPolicyVersion?: unknown } = {},
): Promise<Policy> {
  if (!['0', '1', '3'].includes(String(requestedPolicyVersion))) {
    const description = `is ${formatted(requestedPolicyVersion)}; it must be 0, 1 or 3`;
    throw invalidFields([{ field: 'options.requestedPolicyVersion', description }]);
  }
  const { owner, stored } = await withPermission(permissionOn(call, 'getIamPolicy'), resourceOf(call), () =>
    observe(call),
  );
  return policyOf(ownBindings(stored, owner));
}

/**
 * Replaces the policy of a resource (google.iam.v1.IAMPolicy.SetIamPolicy); gives the new one.
 * @throws {ApiError} INVALID_ARGUMENT that names the field; ABORTED when the policy is not the one with this etag;
 * NOT_FOUND; PERMISSION_DENIED, also for a role with rights that the person does not have.
 */
export async function setIamPolicy(
  call: PolicyCall,
  { policy, updateMask = '' }: { policy?: unknown; updateMask?: unknown },
): Promise<Policy> {
  checkMask(updateMask);
  const { target } = call;
  const wanted = readPolicy(policy, target.kind, call.context);
  return withPermission(permissionOn(call, 'setIamPolicy'), resourceOf(call), async () => {
    const [{ owner, stored }] = await Promise.all([observe(call), demand(call, 'setIamPolicy')]);
    await execute(call.client, planPolicy(target, { stored, wanted, owner }));
    return policyOf(ownBindings(await bindingsOf(call), owner));
  });
}

/**
 * Which of the permissions the person has (google.iam.v1.IAMPolicy.TestIamPermissions). The resource need not exist:
 * gcloud asks before it creates a service.
 * @throws {ApiError} INVALID_ARGUMENT for what is no permission.
 */
export async function testIamPermissions(
  call: PolicyCall,
  { permissions = [] }: { permissions?: unknown },
): Promise<{ permissions: string[] }> {
  const names = readPermissions(permissions);
  return withPermission(permissionOn(call, 'getIamPolicy'), resourceOf(call), async () => {
    const granted = await Promise.all(names.map((name) => hasPermission(call, name)));
    return { permissions: names.filter((_, index) => granted[index]) };
  });
}

/** The object of a policy and all RoleBindings that name it. */
async function observe(call: PolicyCall): Promise<{ owner: PolicyOwner; stored: RoleBinding[] }> {
  const [owner, stored] = await Promise.all([ownerOf(call), bindingsOf(call)]);
  return { owner, stored };
}

async function ownerOf({ client, target }: PolicyCall): Promise<PolicyOwner> {
  const { kind, namespace, name } = target;
  if (kind === 'project') return undefined;
  const type = TYPES[kind];
  const owner = await client.get(type, { namespace, name });
  if (owner) return owner;
  throw new ApiError(
    'NOT_FOUND',
    `Resource '${name}' of kind '${type.kind.toUpperCase()}' in project '${namespace}' does not exist.`,
  );
}

async function bindingsOf({ client, target }: PolicyCall): Promise<RoleBinding[]> {
  const { namespace } = target;
  return (await client.list(ROLE_BINDINGS, { namespace, labelSelector: policySelector(target) })).items;
}

/** A binding is granted after its Role exists and removed before it goes, so it never refers to nothing. */
async function execute(client: KubeClient, { roles, creates, updates, deletes }: PolicyPlan): Promise<void> {
  for (const role of roles) await client.apply(ROLES, role, { fieldManager: FIELD_MANAGER });
  for (const binding of updates) await client.replace(ROLE_BINDINGS, binding);
  for (const binding of creates) await client.create(ROLE_BINDINGS, binding, { fieldManager: FIELD_MANAGER });
  for (const { metadata, roleRef } of deletes) {
    const { uid, resourceVersion } = metadata;
    await client.delete(ROLE_BINDINGS, metadata, { uid, resourceVersion });
    if (roleRef.kind === 'Role' && roleRef.name === metadata.name) await client.delete(ROLES, metadata);
  }
}

/** Asked beforehand: a policy that stays as it is takes the permission too. */
async function demand(call: PolicyCall, verb: 'setIamPolicy'): Promise<void> {
  const permission = permissionOn(call, verb);
  if (!(await hasPermission(call, permission))) throw permissionDenied(permission, resourceOf(call));
}

/** Whether whom the client acts as has a permission on a resource (Kubernetes API, SelfSubjectAccessReview). @throws {KubeError} */
export async function hasPermission(
  { client, target }: Pick<PolicyCall, 'client' | 'target'>,
  permission: PermissionName,
): Promise<boolean> {
  const [rule]: readonly AccessRule[] = PERMISSIONS[permission];
  return rule === undefined || isAllowed(client, attributes(rule, target));
}

/**
 * Whether whom the client acts as may deploy with a ServiceAccount as identity: has iam.serviceAccounts.actAs on it, or on all
 * of the namespace. @throws {KubeError}
 */
export function mayActAs(client: KubeClient, namespace: string, account: string): Promise<boolean> {
  const { apiGroup, resource, verbs } = ACT_AS;
  return isAllowed(client, { namespace, group: apiGroup, resource, verb: verbs[0], name: account });
}

async function isAllowed(client: KubeClient, resourceAttributes: object): Promise<boolean> {
  const body = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    spec: { resourceAttributes },
  };
  const options = { body, verb: 'review' };
  const { status } = await client.request<{ status: { allowed: boolean } }>(
    'POST',
    SUBJECT_ACCESS_REVIEWS,
    options,
  );
  return status.allowed;
}

function attributes({ apiGroup, resource, verbs }: AccessRule, { kind, namespace, name }: PolicyTarget) {
  const [plural, subresource] = resource.split('/');
  const [verb] = verbs;
  const isOwn = resource === kind || (kind === 'services' && ['routes', 'configurations'].includes(resource));
  const named = (isOwn && verb !== 'create' && verb !== 'list') || resource === 'namespaces';
  return { namespace, group: apiGroup, resource: plural, subresource, verb, ...(named && { name }) };
}

function readPermissions(value: unknown): PermissionName[] {
  const field = 'permissions';
  if (!Array.isArray(value) || value.length > MOST_PERMISSIONS)
    throw invalidFields([
      { field, description: `must be a list of at most ${MOST_PERMISSIONS} permissions` },
    ]);
  const wrong: FieldViolation[] = [...value.entries()]
    .filter(([, name]) => !Object.hasOwn(PERMISSIONS, name as string))
    .map(([index, name]) => ({
      field: at(field, index),
      description: `is ${formatted(name)}, which is no permission here`,
    }));
  if (wrong.length > 0) throw invalidFields(wrong);
  return [...new Set(value as PermissionName[])];
}

function checkMask(mask: unknown): void {
  const paths = Array.isArray(mask) ? mask : typeof mask === 'string' ? mask.split(',') : [mask];
  const wrong = paths.filter((path) => path !== '' && !MASKABLE.includes(String(path)));
  if (wrong.length === 0) return;
  const description = `names ${formatted(wrong[0])}; a policy has ${MASKABLE.slice(0, 4).join(', ')}`;
  throw invalidFields([{ field: 'updateMask', description }]);
}

/** `run.services.getIamPolicy`, or `resourcemanager.projects.getIamPolicy`. */
function permissionOn(
  { target: { kind } }: PolicyCall,
  verb: 'getIamPolicy' | 'setIamPolicy',
): PermissionName {
  return kind === 'project' ? `resourcemanager.projects.${verb}` : `run.${kind}.${verb}`;
}

function resourceOf({ target: { kind, namespace, name } }: PolicyCall): string {
  return kind === 'project' ? `projects/${namespace}` : `namespaces/${namespace}/${kind}/${name}`;
}
