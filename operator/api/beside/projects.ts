import type { Project } from '../../apis/identity.ts';
import { NAMESPACES, type Namespace } from '../../kube/core.ts';
import { isKubeError } from '../../kube/errors.ts';
import { permissionDenied } from '../authorization.ts';
import type { ApiContext, ApiPart } from '../context.ts';
import { namespaceOf } from '../projects.ts';
import { failureOf } from '../resources/failure.ts';
import type { Person } from '../resources/resources.ts';

type Show = (found: Namespace, project: Project) => object;
type Params = Readonly<Record<string, string>>;

/** Projects: the namespaces that a person may see (Cloud Resource Manager API v1 and v3). */
export const RESOURCE_MANAGER: ApiPart = {
  routes(app, context) {
    const shownBy = (show: Show) => async (found: Namespace) =>
      show(found, await context.projects.of(found.metadata.name));
    for (const [path, show] of [
      ['/v1/projects', shownBy(v1)],
      ['/v3/projects', shownBy(v3)],
      ['/v3/projects::search', shownBy(v3)],
    ] as const) {
      app.get(path, async ({ person }) => {
        return { projects: await Promise.all((await namespaces(context, person)).map(show)) };
      });
    }
    for (const [version, show] of [
      ['v1', shownBy(v1)],
      ['v3', shownBy(v3)],
    ] as const) {
      app.get(`/${version}/projects/:project`, async ({ params, person }) =>
        show(await namespace(context, person, params)),
      );
    }
  },
};

/** @throws {ApiError} PERMISSION_DENIED for a project that is not there too, as on Google Cloud. */
async function namespace(context: ApiContext, person: Person, params: unknown): Promise<Namespace> {
  const { project = '' } = params as Params;
  const name = namespaceOf(project, context.config);
  const denied = permissionDenied('resourcemanager.projects.get', `projects/${project}`);
  let found: Namespace | undefined;
  try {
    found = await context.clientOf(person).get(NAMESPACES, { name });
  } catch (error) {
    if (isKubeError(error, 'KUBE_FORBIDDEN')) throw denied;
    throw failureOf(error, { action: 'get', type: NAMESPACES, namespace: name, name });
  }
  if (!found) throw denied;
  return found;
}

/** Those of all namespaces where the person may list them, which is a right in the whole cluster; else none. */
export async function namespaces(context: ApiContext, person: Person): Promise<Namespace[]> {
  const { namespaces: served } = context.config;
  try {
    const { items } = await context.clientOf(person).list(NAMESPACES);
    return items.filter(({ metadata }) => served.length === 0 || served.includes(metadata.name));
  } catch (error) {
    if (isKubeError(error, 'KUBE_FORBIDDEN')) return [];
    throw failureOf(error, { action: 'list', type: NAMESPACES, namespace: '' });
  }
}

function v1({ metadata }: Namespace, { id, number }: Project): object {
  const { name, creationTimestamp, deletionTimestamp, labels } = metadata;
  return {
    projectId: id,
    projectNumber: number,
    name,
    lifecycleState: deletionTimestamp ? 'DELETE_REQUESTED' : 'ACTIVE',
    createTime: creationTimestamp,
    labels,
  };
}

function v3({ metadata }: Namespace, { id, number }: Project): object {
  const { name, creationTimestamp, deletionTimestamp, labels } = metadata;
  return {
    name: `projects/${number}`,
    projectId: id,
    displayName: name,
    state: deletionTimestamp ? 'DELETE_REQUESTED' : 'ACTIVE',
    createTime: creationTimestamp,
    labels,
  };
}
