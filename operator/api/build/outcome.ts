import type { BatchJob, Pod } from '../../kube/core.ts';
import { containerStatuses } from '../../kube/pod.ts';
import { SOURCE_CONTAINER } from '../../reconcilers/pod/source.ts';
import { BUILD, BUILD_CONTAINER } from './names.ts';

/** Cloud Build API v1, Build.Status, as far as builds here have them. */
export type BuildStatus = 'QUEUED' | 'WORKING' | 'SUCCESS' | 'FAILURE' | 'TIMEOUT' | 'CANCELLED' | 'EXPIRED';

/** How far a build is. */
export interface Outcome {
  status: BuildStatus;
  /** In words; of a build that failed with its last lines. */
  detail?: string;
  /** Cloud Build API v1, Build.FailureInfo.FailureType. */
  failure?: 'FETCH_SOURCE_FAILED' | 'PUSH_FAILED' | 'PUSH_NOT_AUTHORIZED' | 'USER_BUILD_STEP';
  /** Of the image, `sha256:…`. */
  digest?: string;
  /** RFC 3339. */
  started?: string;
  finished?: string;
}

type Statuses = NonNullable<NonNullable<Pod['status']>['containerStatuses']>;
type ContainerStatus = Statuses[number];
type Terminated = NonNullable<NonNullable<ContainerStatus['state']>['terminated']>;

/** Lines of a log that say why a build failed; Kubernetes keeps 80, or 2 KiB. */
const LAST_LINES = 20;

/**
 * How far a build is, from its Job and its pod, of which there may be none yet or none any more. Only what the cluster has
 * written counts: nothing else is remembered. Pure.
 */
export function outcomeOf(job: BatchJob, pod: Pod | undefined): Outcome {
  const times = timesOf(job, pod);
  const failed = conditionOf(job, 'Failed');
  if (conditionOf(job, 'Complete') || pod?.status?.phase === 'Succeeded') {
    return { status: 'SUCCESS', ...digestOf(pod), ...times };
  }
  if (job.metadata.annotations?.[BUILD.cancelled]) {
    return { status: 'CANCELLED', detail: 'The build was cancelled.', ...times, ...cancelledAt(job) };
  }
  if (failed || pod?.status?.phase === 'Failed') return { ...failureOf(job, pod), ...times };
  const begun = pod?.status?.startTime !== undefined && isRunning(pod);
  const waits = pod && waitingFor(pod);
  const { finished: _, ...beginning } = times;
  return { status: begun ? 'WORKING' : 'QUEUED', ...(waits ? { detail: waits } : {}), ...beginning };
}

function failureOf(job: BatchJob, pod: Pod | undefined): Pick<Outcome, 'status' | 'detail' | 'failure'> {
  const { reason, message } = pod?.status ?? {};
  if (reason === 'DeadlineExceeded') {
    const seconds = job.spec?.template?.spec?.activeDeadlineSeconds;
    const detail = `The build did not end within ${seconds} s (chart value build.timeoutSeconds).`;
    return { status: 'TIMEOUT', detail };
  }
  const failed = conditionOf(job, 'Failed');
  if (!pod && failed?.reason === 'DeadlineExceeded') {
    const detail = `The build did not end within ${job.spec?.activeDeadlineSeconds} s of its submission, the time in the queue included.`;
    return { status: 'EXPIRED', detail };
  }
  const source = terminatedOf(pod, SOURCE_CONTAINER);
  if (source && source.exitCode !== 0) {
    const detail = `The source cannot be unpacked: ${lastLines(source.message) || ended(source)}`;
    return { status: 'FAILURE', failure: 'FETCH_SOURCE_FAILED', detail };
  }
  const build = terminatedOf(pod, BUILD_CONTAINER);
  if (reason) {
    return {
      status: 'FAILURE',
      detail: `The cluster ended the build (${reason}): ${message || 'it says no more'}`,
    };
  }
  if (!build) {
    const why = failed?.message ?? 'its pod is gone';
    return { status: 'FAILURE', detail: `The build failed: ${why}` };
  }
  return stepFailure(build, job);
}

function stepFailure(build: Terminated, job: BatchJob): Pick<Outcome, 'status' | 'detail' | 'failure'> {
  const lines = lastLines(build.message);
  const detail = [endOf(build, lines, job), ...(lines ? ['Its last lines:', lines] : [])].join('\n');
  return { status: 'FAILURE', failure: kindOf(lines), detail };
}

/** The first line of what is said of a build that failed. */
function endOf(build: Terminated, lines: string, job: BatchJob): string {
  const [container] = job.spec?.template?.spec?.containers ?? [];
  const limit = container?.resources?.limits?.memory;
  const most = limit === undefined ? '' : ` It may use ${limit} (chart value build.resources.limits.memory).`;
  if (build.reason === 'OOMKilled') return `The build ran out of memory.${most}`;
  // The kernel kills one process of the build, or all of them.
  if (/exit code: 137|signal: killed/.test(lines)) {
    return `A step of the build was killed, as happens when memory runs out.${most}`;
  }
  return `The build ended with ${ended(build)}.`;
}

/** By the words of BuildKit and of the lifecycle, which tries its registry before it builds. */
function kindOf(lines: string): NonNullable<Outcome['failure']> {
  if (!/failed to push|failed to write image|failed to export|registry read(\/write)? access/i.test(lines)) {
    return 'USER_BUILD_STEP';
  }
  return /\b(401|403|unauthorized|forbidden|denied)\b/i.test(lines) ? 'PUSH_NOT_AUTHORIZED' : 'PUSH_FAILED';
}

function ended({ exitCode, reason, signal }: Terminated): string {
  const how = signal ? `signal ${signal}` : `exit code ${exitCode}`;
  return reason && reason !== 'Error' ? `${how} (${reason})` : how;
}

function lastLines(message: string | undefined): string {
  return (message ?? '').trimEnd().split('\n').slice(-LAST_LINES).join('\n').trim();
}

function digestOf(pod: Pod | undefined): Pick<Outcome, 'digest'> {
  const [digest] = /sha256:[0-9a-f]{64}/.exec(terminatedOf(pod, BUILD_CONTAINER)?.message ?? '') ?? [];
  return digest === undefined ? {} : { digest };
}

function timesOf(job: BatchJob, pod: Pod | undefined): Pick<Outcome, 'started' | 'finished'> {
  const started = pod?.status?.startTime;
  const finished =
    terminatedOf(pod, BUILD_CONTAINER)?.finishedAt ??
    job.status?.completionTime ??
    conditionOf(job, 'Failed')?.lastTransitionTime;
  return { ...(started ? { started } : {}), ...(finished ? { finished } : {}) };
}

/** Why a build has not begun, in the cluster's words. */
function waitingFor(pod: Pod): string | undefined {
  const scheduled = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status === 'False')
    return `The build waits for a node: ${scheduled.message ?? scheduled.reason}`;
  const waiting = containerStatuses(pod).find(({ state }) => state?.waiting?.message)?.state?.waiting;
  return waiting && `The build waits: ${waiting.reason}: ${waiting.message}`;
}

function isRunning(pod: Pod): boolean {
  return containerStatuses(pod).some(({ state }) => state?.running || state?.terminated);
}

function terminatedOf(pod: Pod | undefined, container: string): Terminated | undefined {
  return pod && containerStatuses(pod).find(({ name }) => name === container)?.state?.terminated;
}

function conditionOf({ status }: BatchJob, type: string) {
  return status?.conditions?.find((each) => each.type === type && each.status === 'True');
}

/** The pod of a cancelled build is gone, and with it the time of its end. */
function cancelledAt({ metadata }: BatchJob): Pick<Outcome, 'finished'> {
  const time = Date.parse(metadata.annotations?.[BUILD.cancelled] ?? '');
  return Number.isNaN(time) ? {} : { finished: new Date(time).toISOString() };
}
