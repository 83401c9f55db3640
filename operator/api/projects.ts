import { projectId } from '../apis/identity.ts';
import { ApiError, invalidFields } from './errors.ts';

/** A namespace's name (RFC 1123, label). */
const NAMESPACE = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** What decides which namespace a project is. */
export interface ProjectConfig {
  /** Those that Homerun works in; empty is all. */
  namespaces: readonly string[];
  metadata: { projectId: string };
}

/**
 * The namespace that a project stands for: the one whose project ID this is, or of this name.
 * @throws {ApiError} INVALID_ARGUMENT for what is neither, PERMISSION_DENIED for a namespace that is not served.
 */
export function namespaceOf(project: string, { namespaces, metadata }: ProjectConfig): string {
  const [before = '', after = ''] = metadata.projectId.split('{namespace}');
  const middle = project.slice(before.length, project.length - after.length);
  const namespace = projectId(metadata.projectId, middle) === project ? middle : project;
  if (!NAMESPACE.test(namespace)) {
    throw invalidFields([
      {
        field: 'project',
        description: `${JSON.stringify(project.slice(0, 100))} is not the name of a project`,
      },
    ]);
  }
  if (namespaces.length > 0 && !namespaces.includes(namespace)) {
    throw new ApiError('PERMISSION_DENIED', `Project '${project}' is not one that Homerun works in.`);
  }
  return namespace;
}
