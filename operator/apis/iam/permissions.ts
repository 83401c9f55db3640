import type { PolicyKind } from './bindings.ts';

/** A right in Kubernetes: verbs on a resource of a group. */
export interface AccessRule {
  apiGroup: string;
  resource: string;
  verbs: readonly [string, ...string[]];
}

const SERVING = 'serving.knative.dev';
const RUN = 'run.googleapis.com';
const DOMAINS = 'domains.cloudrun.com';
/** Sources are kept by Homerun: Kubernetes has no such resources, they are there to be granted and asked for. */
export const STORAGE = 'storage.googleapis.com';
const RBAC = 'rbac.authorization.k8s.io';
const READ = ['get', 'list', 'watch'] as const;

function on(apiGroup: string, resource: string, ...verbs: [string, ...string[]]): readonly AccessRule[] {
  return [{ apiGroup, resource, verbs }];
}

/** To run something as a ServiceAccount. Kubernetes has no such verb; it is there to be granted and asked for. */
export const ACT_AS = {
  apiGroup: '',
  resource: 'serviceaccounts',
  verbs: ['use'],
} as const satisfies AccessRule;

/** Policies are RoleBindings, and a Role for each that is for one resource. */
const READ_POLICIES = [...on(RBAC, 'rolebindings', 'list', 'get'), ...on(RBAC, 'roles', 'get', 'list')];
const WRITE_POLICIES = [
  ...on(RBAC, 'rolebindings', 'update', 'create', 'delete', 'patch'),
  ...on(RBAC, 'roles', 'create', 'update', 'delete', 'patch'),
];

/** The usual permissions of a kind whose objects have a policy. */
function kind<K extends string>(name: K, group: string) {
  const permissions = {
    create: on(group, name, 'create'),
    delete: on(group, name, 'delete'),
    get: on(group, name, 'get'),
    list: on(group, name, 'list', 'watch'),
    update: on(group, name, 'update', 'patch'),
    getIamPolicy: READ_POLICIES,
    setIamPolicy: WRITE_POLICIES,
  };
  return Object.fromEntries(
    Object.entries(permissions).map(([verb, rules]) => [`run.${name}.${verb}`, rules]),
  ) as Record<`run.${K}.${keyof typeof permissions}`, readonly AccessRule[]>;
}

/**
 * What each permission of Google's is in Kubernetes (IAM, Cloud Run roles and permissions). Whoever has all of its rules
 * has the permission; the first verb of the first rule is the one that is asked for. Without rules, everybody has it.
 */
export const PERMISSIONS = {
  ...kind('services', SERVING),
  ...kind('jobs', RUN),
  ...kind('workerpools', RUN),
  // Who may create a job may run anything. Who may only run one must not create executions, which say themselves what runs.
  'run.jobs.create': [...on(RUN, 'jobs', 'create'), ...on(RUN, 'executions', 'create')],
  // Kubernetes has no such verbs; they are there to be granted and asked for.
  'run.jobs.run': on(RUN, 'jobs', 'run'),
  'run.jobs.runWithOverrides': on(RUN, 'jobs', 'runWithOverrides'),
  'run.routes.invoke': on(SERVING, 'routes', 'invoke'),
  'run.routes.get': on(SERVING, 'routes', 'get'),
  'run.routes.list': on(SERVING, 'routes', 'list', 'watch'),
  'run.configurations.get': on(SERVING, 'configurations', 'get'),
  'run.configurations.list': on(SERVING, 'configurations', 'list', 'watch'),
  'run.revisions.get': on(SERVING, 'revisions', 'get'),
  'run.revisions.list': on(SERVING, 'revisions', 'list', 'watch'),
  'run.revisions.delete': on(SERVING, 'revisions', 'delete'),
  'run.executions.get': on(RUN, 'executions', 'get'),
  'run.executions.list': on(RUN, 'executions', 'list', 'watch'),
  'run.executions.delete': on(RUN, 'executions', 'delete'),
  'run.executions.cancel': on(RUN, 'executions', 'update', 'patch'),
  'run.tasks.get': on('', 'pods', 'get'),
  'run.tasks.list': on('', 'pods', 'list', 'watch'),
  'run.domainmappings.create': on(DOMAINS, 'domainmappings', 'create'),
  'run.domainmappings.delete': on(DOMAINS, 'domainmappings', 'delete'),
  'run.domainmappings.get': on(DOMAINS, 'domainmappings', 'get'),
  'run.domainmappings.list': on(DOMAINS, 'domainmappings', 'list', 'watch'),
  'run.locations.list': [],
  'run.operations.get': [],
  'run.operations.list': [],
  'run.operations.delete': [],
  'iam.serviceAccounts.actAs': [ACT_AS],
  'iam.serviceAccounts.get': on('', 'serviceaccounts', 'get'),
  'iam.serviceAccounts.list': on('', 'serviceaccounts', ...READ),
  'iam.serviceAccounts.create': on('', 'serviceaccounts', 'create'),
  'logging.logEntries.list': [...on('', 'pods/log', 'get'), ...on('', 'pods', ...READ)],
  'logging.logs.list': on('', 'pods', 'list'),
  // A build is a Job: who may build can run anything in the namespace, as on Google Cloud with the rights of the build.
  'cloudbuild.builds.create': on('batch', 'jobs', 'create'),
  'cloudbuild.builds.get': [
    ...on('batch', 'jobs', 'get'),
    ...on('', 'pods', 'list'),
    ...on('', 'pods/log', 'get'),
  ],
  'cloudbuild.builds.list': [...on('batch', 'jobs', 'list'), ...on('', 'pods', 'list')],
  'cloudbuild.builds.update': on('batch', 'jobs', 'patch'),
  'storage.buckets.get': on(STORAGE, 'buckets', 'get'),
  'storage.objects.create': on(STORAGE, 'objects', 'create'),
  'storage.objects.delete': on(STORAGE, 'objects', 'delete'),
  'storage.objects.get': on(STORAGE, 'objects', 'get'),
  'storage.objects.list': on(STORAGE, 'objects', 'list'),
  'resourcemanager.projects.get': on('', 'namespaces', 'get'),
  'resourcemanager.projects.getIamPolicy': READ_POLICIES,
  'resourcemanager.projects.setIamPolicy': WRITE_POLICIES,
} as const satisfies Record<string, readonly AccessRule[]>;

export type PermissionName = keyof typeof PERMISSIONS;

/** The resources that have the name of a service, job or worker pool: a Role with its name is for these. */
const NAMED_LIKE: Readonly<Record<Exclude<PolicyKind, 'project'>, readonly string[]>> = {
  services: ['services', 'configurations', 'routes'],
  jobs: ['jobs'],
  workerpools: ['workerpools'],
};

/** Verbs of requests that name no object. */
const NAMELESS = ['create', 'list', 'watch'];

/** What of a rule can be granted for one object; undefined for what cannot (Kubernetes, RBAC, Referring to resources). */
export function ruleForOne(rule: AccessRule, kind: PolicyKind): AccessRule | undefined {
  if (kind === 'project' || !NAMED_LIKE[kind].includes(rule.resource)) return undefined;
  const [first, ...rest] = rule.verbs.filter((verb) => !NAMELESS.includes(verb));
  return first === undefined ? undefined : { ...rule, verbs: [first, ...rest] };
}
