import type { PolicyKind } from './bindings.ts';
import { type AccessRule, PERMISSIONS, type PermissionName, ruleForOne } from './permissions.ts';

/** A role of Google's, as far as a cluster has what it is about. */
export interface RoleDeclaration {
  /** Without `roles/`. */
  name: string;
  title: string;
  permissions: readonly PermissionName[];
  /** What it can be granted on. */
  on: readonly PolicyKind[];
}

const ALL = Object.keys(PERMISSIONS) as PermissionName[];
const RUN = ALL.filter((name) => name.startsWith('run.'));
/**
 * On Google Cloud no role of Cloud Run has the permissions for domain mappings, only the basic role Editor (Cloud Run, IAM
 * roles). There are no basic roles here, so Cloud Run Admin has them, and it alone.
 */
const SHARED = RUN.filter((name) => !name.startsWith('run.domainmappings.'));
const DEVELOPER = SHARED.filter((name) => !/\.(setIamPolicy|invoke)$/.test(name));
const SOURCES = ALL.filter((name) => name.startsWith('storage.'));
const BUILDS = ALL.filter((name) => name.startsWith('cloudbuild.'));
const EVERYWHERE = ['services', 'jobs', 'workerpools', 'project'] as const;

/** Cloud Run's roles and those beside them that its documentation asks for (IAM, Cloud Run roles and permissions). */
export const IAM_ROLES: readonly RoleDeclaration[] = [
  {
    name: 'run.admin',
    title: 'Cloud Run Admin',
    permissions: [...RUN, 'resourcemanager.projects.get'],
    on: EVERYWHERE,
  },
  {
    name: 'run.developer',
    title: 'Cloud Run Developer',
    permissions: [...DEVELOPER, 'resourcemanager.projects.get'],
    on: EVERYWHERE,
  },
  {
    name: 'run.viewer',
    title: 'Cloud Run Viewer',
    permissions: [
      ...SHARED.filter((name) => /\.(get|list|getIamPolicy)$/.test(name)),
      'resourcemanager.projects.get',
    ],
    on: EVERYWHERE,
  },
  {
    name: 'run.invoker',
    title: 'Cloud Run Invoker',
    permissions: ['run.routes.invoke', 'run.jobs.run'],
    on: ['services', 'jobs', 'project'],
  },
  {
    name: 'run.sourceDeveloper',
    title: 'Cloud Run Source Developer',
    permissions: [...DEVELOPER, ...SOURCES, 'resourcemanager.projects.get'],
    on: ['project'],
  },
  {
    // On Google Cloud Source Developer has these permissions too. A build is a Job here, and a Job may ask for what no service
    // can: privileges and folders of the node. So they are granted by themselves.
    name: 'cloudbuild.builds.editor',
    title: 'Cloud Build Editor',
    permissions: [...BUILDS, 'resourcemanager.projects.get'],
    on: ['project'],
  },
  {
    name: 'cloudbuild.builds.viewer',
    title: 'Cloud Build Viewer',
    permissions: [...BUILDS.filter((name) => /\.(get|list)$/.test(name)), 'resourcemanager.projects.get'],
    on: ['project'],
  },
  {
    name: 'iam.serviceAccountUser',
    title: 'Service Account User',
    permissions: [
      'iam.serviceAccounts.actAs',
      'iam.serviceAccounts.get',
      'iam.serviceAccounts.list',
      'resourcemanager.projects.get',
    ],
    on: ['project'],
  },
  {
    name: 'logging.viewer',
    title: 'Logs Viewer',
    permissions: ['logging.logEntries.list', 'logging.logs.list', 'resourcemanager.projects.get'],
    on: ['project'],
  },
];

/** The role of a name such as `roles/run.invoker`. */
export function roleOf(name: string): RoleDeclaration | undefined {
  return IAM_ROLES.find((role) => `roles/${role.name}` === name);
}

/** Name of the chart's ClusterRole. */
export function clusterRoleName(role: RoleDeclaration): string {
  return `homerun-${role.name}`;
}

/** What a role grants in a whole project; some rules may be there twice. */
export function rulesOf(role: RoleDeclaration): AccessRule[] {
  return role.permissions.flatMap((name): readonly AccessRule[] => PERMISSIONS[name]);
}

/** What a role grants on one resource. */
export function rulesForOne(role: RoleDeclaration, kind: PolicyKind): AccessRule[] {
  return rulesOf(role).flatMap((rule) => ruleForOne(rule, kind) ?? []);
}
