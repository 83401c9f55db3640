import { RUN, SERVING } from '../../../apis/labels.ts';
import { EXECUTIONS } from '../../../apis/run/execution/types.ts';
import { REVISIONS } from '../../../apis/serving/revision/types.ts';
import type { KubeObject, ResourceType } from '../../../kube/types.ts';
import type { Action } from '../../authorization.ts';
import { asAction, notFound } from '../../resources/failure.ts';
import type { Resources } from '../../resources/resources.ts';
import { checkVersion } from '../../resources/version.ts';
import { cancelExecution, runJob } from '../../v1/jobVerbs.ts';
import { TASKS } from '../../v1/kinds.ts';
import { getTask, listTasks } from '../../v1/tasks.ts';
import { type Call, type Handler, type Scene, sceneOf } from '../call.ts';
import { CONVERSIONS, type StoredConversion, toMessage } from '../conversion/kinds.ts';
import { readOverrides } from '../conversion/overrides.ts';
import type { Fields } from '../conversion/value.ts';
import { lastId, type Name, parseName } from '../names.ts';
import { begun, validated } from '../operation.ts';
import { listed, messagesOf, pageOf } from './page.ts';
import { deleteRead } from './resource.ts';

const REVISION_PATHS = ['services/revisions', 'workerPools/revisions'];
const EXECUTION_PATH = 'jobs/executions';
const TASK_PATH = 'jobs/executions/tasks';

/** Collection of a parent -> the label of its children. */
const PARENT_LABELS: Readonly<Record<string, string>> = {
  services: SERVING.service,
  workerPools: RUN.workerPool,
  jobs: RUN.job,
  executions: RUN.execution,
};

/** Any parent of a collection, in lists. */
const ANY = '-';

/** The selector of the children of a name; a label that must be there where any parent is asked for. */
function selectorOf({ parts }: Name): string {
  return parts
    .map(([collection, id]) => {
      const label = PARENT_LABELS[collection] ?? '';
      return id === ANY ? label : `${label}=${id}`;
    })
    .join(',');
}

/** @throws {ApiError} NOT_FOUND for a child of another parent. */
function checkParents(
  object: KubeObject,
  type: ResourceType,
  { parts }: Name,
  { namespace }: Resources,
): void {
  const { labels = {}, name } = object.metadata;
  const isOf = parts.slice(0, -1).every(([collection, id]) => labels[PARENT_LABELS[collection] ?? ''] === id);
  if (!isOf) throw notFound({ action: 'get', type, namespace, name });
}

interface Found {
  scene: Scene;
  object: KubeObject;
}

/** Reads the object of a request. @param action what the request does with it. */
async function find(
  call: Call,
  action: Action,
  type: ResourceType,
  forms: readonly string[],
): Promise<Found> {
  const name = parseName(call.request.name, 'name', ...forms);
  const scene = sceneOf(call, name);
  const attempt = { action, type, namespace: scene.resources.namespace, name: lastId(name) };
  const object = await asAction(attempt, () => scene.resources.get(type, lastId(name)));
  checkParents(object, type, name, scene.resources);
  return { scene, object };
}

async function list(call: Call, conversion: StoredConversion, field: string, ...forms: string[]) {
  const parent = parseName(call.request.parent, 'parent', ...forms);
  const { resources, place } = sceneOf(call, parent);
  const { items, continue: next } = await resources.list(
    conversion.type,
    pageOf(call.request, selectorOf(parent)),
  );
  return listed(field, messagesOf(conversion, items, place), next);
}

const { Revision, Execution, Task } = CONVERSIONS;

/** google.cloud.run.v2.Revisions */
export const REVISION_METHODS: Readonly<Record<string, Handler>> = {
  GetRevision: async (call) => {
    const { object, scene } = await find(call, 'get', REVISIONS, REVISION_PATHS);
    return toMessage(Revision, object, scene.place);
  },
  ListRevisions: (call) => list(call, Revision, 'revisions', 'services', 'workerPools'),
  DeleteRevision: (call) =>
    deleteRead(Revision, REVISIONS, call, () => find(call, 'delete', REVISIONS, REVISION_PATHS)),
};

/** google.cloud.run.v2.Executions */
export const EXECUTION_METHODS: Readonly<Record<string, Handler>> = {
  GetExecution: async (call) => {
    const { object, scene } = await find(call, 'get', EXECUTIONS, [EXECUTION_PATH]);
    return toMessage(Execution, object, scene.place);
  },
  ListExecutions: (call) => list(call, Execution, 'executions', 'jobs'),
  DeleteExecution: (call) =>
    deleteRead(Execution, EXECUTIONS, call, () => find(call, 'delete', EXECUTIONS, [EXECUTION_PATH])),
  CancelExecution: async (call) => {
    const { object, scene } = await find(call, 'cancel', EXECUTIONS, [EXECUTION_PATH]);
    checkVersion(object, call.request.etag, 'etag');
    if (call.request.validateOnly === true) return validated(Execution, object, scene);
    const cancelled = await cancelExecution(scene.resources, object.metadata.name);
    return begun(Execution, 'update', cancelled, scene);
  },
};

/** google.cloud.run.v2.Tasks */
export const TASK_METHODS: Readonly<Record<string, Handler>> = {
  GetTask: async (call) => {
    const name = parseName(call.request.name, 'name', TASK_PATH);
    const { resources, place } = sceneOf(call, name);
    const task = await getTask(resources, call.context.config.metadata.region, lastId(name));
    checkParents(task, TASKS, name, resources);
    return toMessage(Task, task, place);
  },
  ListTasks: async (call) => {
    const parent = parseName(call.request.parent, 'parent', EXECUTION_PATH);
    const { resources, place } = sceneOf(call, parent);
    const page = pageOf(call.request, selectorOf(parent));
    const { items, continue: next } = await listTasks(resources, call.context.config.metadata.region, page);
    return listed(
      'tasks',
      items.map((task) => toMessage(Task, task, place)),
      next,
    );
  },
};

/** What a job has besides the methods of all resources. */
export const JOB_METHODS: Readonly<Record<string, Handler>> = {
  RunJob: async (call) => {
    const name = parseName(call.request.name, 'name', 'jobs');
    const scene = sceneOf(call, name);
    const { overrides, etag, validateOnly } = call.request;
    const dryRun = validateOnly === true;
    const execution = await runJob(call.context, scene.resources, lastId(name), {
      overrides: overrides === undefined ? undefined : readOverrides(overrides as Fields),
      dryRun,
      check: (job) => checkVersion(job, etag, 'etag'),
    });
    return dryRun ? validated(Execution, execution, scene) : begun(Execution, 'run', execution, scene);
  },
};
