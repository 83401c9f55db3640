/** Keys on the RoleBindings that hold the policies of resources, and on their Roles. */
export const IAM = {
  /** Label: services, jobs, workerpools, or project for all of a namespace. */
  kind: 'homerun.dev/iam-kind',
  /** Label: name of the resource; of a project, its namespace. */
  resource: 'homerun.dev/iam-resource',
  /** Label: the role without its prefix, such as run.invoker. */
  role: 'homerun.dev/iam-role',
  /** Annotation: the members as Google writes them, a JSON list. Rights follow from the subjects alone. */
  members: 'homerun.dev/iam-members',
} as const;

/** What has a policy of its own, by the value of its label. */
export type PolicyKind = 'services' | 'jobs' | 'workerpools' | 'project';
