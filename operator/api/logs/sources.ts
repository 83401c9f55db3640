import { instanceId } from '../../apis/identity.ts';
import { LOG_LABELS, RUN, SERVING } from '../../apis/labels.ts';
import type { KubeClient } from '../../kube/client.ts';
import { PODS, type Pod } from '../../kube/core.ts';
import { containerStatuses } from '../../kube/pod.ts';
import { attemptOf } from '../../reconcilers/execution/tasks.ts';
import { ApiError } from '../errors.ts';
import type { Origin } from './filter/evaluate.ts';
import type { Narrowing } from './filter/narrow.ts';
import { timeOfMs } from './time.ts';

/** The log of one run of a container. */
export interface Source {
  /** Unique, and in the same order whenever it is asked for. */
  id: string;
  namespace: string;
  pod: string;
  container: string;
  /** Of the run before the last restart. */
  previous: boolean;
  /** What all of its entries have. */
  origin: Origin;
  /** Canonical times between which it can have lines; the end is missing while it runs. */
  start: string;
  end?: string;
}

/** Where logs are looked for. */
export interface LogScope {
  namespace: string;
  projectId: string;
  location: string;
}

/** Pods in one request to the cluster, and in one search. */
const PAGE = 500;
const MOST_PODS = 20_000;
/** Container times are in whole seconds, and a last line may be stamped a little later. */
const SLACK_MS = 5_000;
const LOG = 'run.googleapis.com%2Fstdout';

/** Labels that name what a filter may ask for, by the label of pods. */
const NAMES: readonly (readonly [field: string, label: string])[] = [
  ['resource.labels.service_name', SERVING.service],
  ['resource.labels.configuration_name', SERVING.configuration],
  ['resource.labels.revision_name', SERVING.revision],
  ['resource.labels.job_name', RUN.job],
  ['resource.labels.worker_pool_name', RUN.workerPool],
  [`labels.${LOG_LABELS.execution}`, RUN.execution],
];

/** What pods of each type of resource have; a revision's may also be a worker pool's. */
const TYPES: Readonly<Record<string, string>> = {
  cloud_run_revision: `${SERVING.revision},!${RUN.workerPool}`,
  cloud_run_job: RUN.job,
  cloud_run_worker_pool: RUN.workerPool,
};

/**
 * The logs of a namespace that a filter may be about. The pods are read as the client's person.
 * @throws {ApiError} RESOURCE_EXHAUSTED for more pods than are searched at once.
 */
export async function findSources(
  client: KubeClient,
  scope: LogScope,
  narrowing: Narrowing,
): Promise<Source[]> {
  const found: Source[] = [];
  let pods = 0;
  for (const labelSelector of selectorsFor(narrowing)) {
    let next: string | undefined;
    do {
      const page = await client.list(PODS, {
        namespace: scope.namespace,
        labelSelector,
        limit: PAGE,
        continue: next,
      });
      next = page.continue;
      pods += page.items.length;
      if (pods > MOST_PODS) throw tooMany();
      for (const pod of page.items)
        found.push(...sourcesOf(pod, scope).filter((each) => isWithin(each, narrowing)));
    } while (next !== undefined);
  }
  return found.sort((a, b) => (a.id < b.id ? -1 : 1));
}

function tooMany(): ApiError {
  return new ApiError(
    'RESOURCE_EXHAUSTED',
    `filter: there are more than ${MOST_PODS} pods whose logs it may be about; name a service, job, execution or worker pool in it, such as resource.labels.job_name=NAME`,
  );
}

/** One selector for each type of resource that may have what is asked for. */
export function selectorsFor({ equal }: Narrowing): string[] {
  const type = equal.get('resource.type');
  const types = type === undefined ? Object.values(TYPES) : [TYPES[type.toLowerCase()] ?? ''];
  const names = NAMES.flatMap(([field, label]) => {
    const name = equal.get(field)?.toLowerCase();
    return name === undefined ? [] : [/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name) ? `${label}=${name}` : ''];
  });
  // What no label can have, no pod has.
  if (names.includes('')) return [];
  return types.filter((each) => each !== '').map((each) => [each, ...names].join(','));
}

function isWithin({ start, end }: Source, { from, to }: Narrowing): boolean {
  return !(from !== undefined && end !== undefined && end < from) && !(to !== undefined && start > to);
}

type ContainerStatus = NonNullable<NonNullable<Pod['status']>['containerStatuses']>[number];

/** The logs of a pod's containers: of the present run and of the one before, of which alone the cluster keeps the log. */
export function sourcesOf(pod: Pod, scope: LogScope): Source[] {
  const containers = containerStatuses(pod);
  return containers.flatMap((container) => {
    const { state = {}, lastState = {}, name } = container;
    const present = state.running ?? state.terminated;
    const runs = [
      { run: lastState.terminated, previous: true },
      { run: present, previous: false },
    ];
    return runs.flatMap(({ run, previous }) =>
      run ? [sourceOf(pod, name, { run, previous, several: containers.length > 1 }, scope)] : [],
    );
  });
}

type Run = NonNullable<NonNullable<ContainerStatus['state']>['terminated' | 'running']>;

function sourceOf(
  pod: Pod,
  container: string,
  { run, previous, several }: { run: Run; previous: boolean; several: boolean },
  scope: LogScope,
): Source {
  const { namespace = '', name, uid = '' } = pod.metadata;
  const { startedAt, finishedAt } = run as { startedAt?: string; finishedAt?: string };
  const started = Date.parse(startedAt ?? pod.metadata.creationTimestamp ?? '');
  return {
    id: `${name}/${container}${previous ? '/previous' : ''}`,
    namespace,
    pod: name,
    container,
    previous,
    origin: {
      logName: `projects/${scope.projectId}/logs/${LOG}`,
      resource: resourceOf(pod, scope),
      labels: {
        instanceId: instanceId(uid),
        ...taskLabels(pod),
        ...(several && { container_name: container }),
      },
    },
    start: timeOfMs((Number.isNaN(started) ? 0 : started) - SLACK_MS),
    ...(finishedAt && { end: timeOfMs(Date.parse(finishedAt) + SLACK_MS) }),
  };
}

/** The monitored resource of an instance (Cloud Logging, Monitored resource types). */
function resourceOf(
  { metadata: { labels = {} } }: Pod,
  { projectId, location }: LogScope,
): Origin['resource'] {
  const common = { project_id: projectId, location };
  const named = (names: Record<string, string | undefined>) =>
    Object.fromEntries(
      Object.entries({ ...common, ...names }).filter(([, value]) => value !== undefined),
    ) as Record<string, string>;
  const revision_name = labels[SERVING.revision];
  if (labels[RUN.job]) return { type: 'cloud_run_job', labels: named({ job_name: labels[RUN.job] }) };
  const worker_pool_name = labels[RUN.workerPool];
  if (worker_pool_name)
    return { type: 'cloud_run_worker_pool', labels: named({ worker_pool_name, revision_name }) };
  const configuration_name = labels[SERVING.configuration];
  const service_name = labels[SERVING.service] ?? configuration_name;
  return { type: 'cloud_run_revision', labels: named({ service_name, configuration_name, revision_name }) };
}

function taskLabels(pod: Pod): Record<string, string> {
  const { labels = {}, annotations = {} } = pod.metadata;
  const execution = labels[RUN.execution];
  if (!execution) return {};
  return {
    [LOG_LABELS.execution]: execution,
    [LOG_LABELS.taskIndex]: annotations['batch.kubernetes.io/job-completion-index'] ?? '',
    [LOG_LABELS.taskAttempt]: String(attemptOf(pod)),
  };
}
