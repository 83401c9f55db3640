import { randomUUID } from 'node:crypto';
import type { PermissionName } from '../../apis/iam/permissions.ts';
import type { KubeClient } from '../../kube/client.ts';
import { BATCH_JOBS, type BatchJob, PODS, type Pod } from '../../kube/core.ts';
import type { ApiContext } from '../context.ts';
import { ApiError } from '../errors.ts';
import { FIELD_MANAGER } from '../fieldManager.ts';
import { namespaceOf } from '../projects.ts';
import { withPermission } from '../resources/failure.ts';
import { readAndWrite } from '../resources/readAndWrite.ts';
import type { Person } from '../resources/resources.ts';
import { findArchive } from '../storage/access.ts';
import { bucketOf } from '../storage/buckets.ts';
import { buildJob } from './job.ts';
import { BUILD, jobName, NO_BUILDS, noBuild } from './names.ts';
import type { BuildRequest } from './request.ts';
import { type BuildView, buildView, type ViewPlace } from './view.ts';

/** Builds that are looked through; they go after a time (build.keepSeconds). */
const MOST_BUILDS = 2000;

/** Where builds are, as the person who asks for them. */
export interface BuildScene {
  context: ApiContext;
  person: Person;
  client: KubeClient;
  namespace: string;
  place: ViewPlace;
}

/**
 * The builds of a project.
 * @param location of the names in the answers.
 * @throws {ApiError} UNIMPLEMENTED where the chart has builds turned off.
 */
export function buildScene(
  context: ApiContext,
  person: Person,
  { project, location }: { project: string; location: string },
): BuildScene {
  const { config } = context;
  if (!config.build.enabled || !config.build.registry) throw new ApiError('UNIMPLEMENTED', NO_BUILDS);
  const namespace = namespaceOf(project, config);
  const place = { project, location, bucket: bucketOf(project, config) };
  return { context, person, client: context.clientOf(person), namespace, place };
}

/**
 * Begins a build, of the source as it is now.
 * @throws {ApiError} NOT_FOUND for a source that is not there; FAILED_PRECONDITION without a builder for what has no
 * Dockerfile; PERMISSION_DENIED.
 */
export async function submitBuild(scene: BuildScene, request: BuildRequest): Promise<BuildView> {
  const { context, person, client, namespace, place } = scene;
  if (request.variables && !context.config.build.builder.image) {
    const message =
      'This cluster has no builder for sources without a Dockerfile: add a Dockerfile, or install Homerun with build.builder.image.';
    throw new ApiError('FAILED_PRECONDITION', message);
  }
  const { bucket, name, generation } = await findArchive(context, person, request.source);
  const source = { bucket, name, generation };
  const job = buildJob(randomUUID(), namespace, { ...request, source }, context.config);
  const made = await attempt(scene, 'cloudbuild.builds.create', () =>
    client.create(BATCH_JOBS, job, { fieldManager: FIELD_MANAGER }),
  );
  return buildView(made, undefined, place);
}

/** A build. @throws {ApiError} NOT_FOUND, PERMISSION_DENIED */
export async function getBuild(scene: BuildScene, id: string): Promise<BuildView> {
  const { job, pod } = await findBuild(scene, id);
  return buildView(job, pod, scene.place);
}

/** What a build is in the cluster; there may be no pod yet, or none any more. @throws {ApiError} NOT_FOUND, PERMISSION_DENIED */
export async function findBuild(
  scene: BuildScene,
  id: string,
  permission: PermissionName = 'cloudbuild.builds.get',
): Promise<{ job: BatchJob; pod: Pod | undefined }> {
  const { client, namespace } = scene;
  const labelSelector = `${BUILD.id}=${id}`;
  return attempt(scene, permission, async () => {
    const job = await client.get(BATCH_JOBS, { namespace, name: jobName(id) });
    if (job?.metadata.labels?.[BUILD.id] !== id) throw noBuild(id);
    const { items } = await client.list(PODS, { namespace, labelSelector });
    return { job, pod: podOf(job, items) };
  });
}

/** All builds of a project, the newest first. @throws {ApiError} PERMISSION_DENIED */
export async function listBuilds(scene: BuildScene): Promise<BuildView[]> {
  const { client, namespace, place } = scene;
  const query = { namespace, labelSelector: BUILD.id, limit: MOST_BUILDS };
  const [jobs, pods] = await attempt(scene, 'cloudbuild.builds.list', () =>
    Promise.all([client.list(BATCH_JOBS, query), client.list(PODS, query)]),
  );
  const views = jobs.items.map((job) => buildView(job, podOf(job, pods.items), place));
  const key = ({ createTime, id }: BuildView) => `${createTime} ${id}`;
  return views.sort((a, b) => (key(a) < key(b) ? 1 : -1));
}

/**
 * Ends a build.
 * @throws {ApiError} FAILED_PRECONDITION for one that is over; NOT_FOUND, PERMISSION_DENIED.
 */
export async function cancelBuild(scene: BuildScene, id: string): Promise<BuildView> {
  const { client, namespace, place, context } = scene;
  const read = async () => {
    const found = await findBuild(scene, id, 'cloudbuild.builds.update');
    const { status } = buildView(found.job, found.pod, place);
    if (status === 'QUEUED' || status === 'WORKING') return found;
    throw new ApiError('FAILED_PRECONDITION', `Build '${id}' is over (${status}): it cannot be cancelled.`);
  };
  return readAndWrite(read, async ({ job, pod }) => {
    const annotations = { [BUILD.cancelled]: new Date(context.now()).toISOString() };
    // A deadline that has passed ends the Job at once, and lets it be collected in time.
    const patch = {
      metadata: { annotations, resourceVersion: job.metadata.resourceVersion },
      spec: { activeDeadlineSeconds: 1 },
    };
    const ref = { namespace, name: job.metadata.name };
    const change = () => client.mergePatch<BatchJob>(BATCH_JOBS, ref, patch, { fieldManager: FIELD_MANAGER });
    return buildView(await attempt(scene, 'cloudbuild.builds.update', change), pod, place);
  });
}

function podOf({ metadata }: BatchJob, pods: readonly Pod[]): Pod | undefined {
  return pods.find((pod) => pod.metadata.ownerReferences?.some(({ uid }) => uid === metadata.uid));
}

function attempt<T>({ place }: BuildScene, permission: PermissionName, act: () => Promise<T>): Promise<T> {
  return withPermission(permission, `projects/${place.project}`, act);
}
