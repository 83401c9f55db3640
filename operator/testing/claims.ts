import { type Condition, conditionOf, isTrue } from '../apis/condition.ts';
import { DOMAIN_MAPPINGS } from '../apis/domains/domainMapping/types.ts';
import { RUN, SERVING } from '../apis/labels.ts';
import { deploymentName } from '../apis/names.ts';
import { EXECUTIONS } from '../apis/run/execution/types.ts';
import { JOBS, type Job } from '../apis/run/job/types.ts';
import { instanceCount } from '../apis/run/workerPool/scaling.ts';
import { WORKER_POOLS, type WorkerPool } from '../apis/run/workerPool/types.ts';
import { CONFIGURATIONS, type Configuration } from '../apis/serving/configuration/types.ts';
import { REVISIONS, type Revision } from '../apis/serving/revision/types.ts';
import { ROUTES, type Route } from '../apis/serving/route/types.ts';
import { SERVICES, type Service } from '../apis/serving/service/types.ts';
import { BATCH_JOBS, type BatchJob, DEPLOYMENTS, type Deployment, EVENTS } from '../kube/core.ts';
import { isControlledBy } from '../kube/owner.ts';
import type { KubeObject, ResourceType } from '../kube/types.ts';
import { executionName } from '../reconcilers/job/runs.ts';
import type { FakeApiServer } from './fakeApiServer.ts';
import { BREAKS } from './playedCluster.ts';

// What a status may say at a moment at which a person has asked for nothing impossible.

type Conditioned = KubeObject & { status?: { conditions?: Condition[]; observedGeneration?: number } };

/** What is wrong with an object as it was just written, as sentences; none where all that it says is true. */
export function falseClaims(server: FakeApiServer, type: ResourceType, object: KubeObject): string[] {
  if (type === EVENTS) return mayFail(server, object) ? [] : warnings(object);
  const { status, metadata } = object as Conditioned;
  const wrong = (status?.conditions ?? [])
    .filter((condition) => condition.status === 'False' && !condition.severity && !mayFail(server, object))
    .map(({ type: of, reason, message }) => `${of} is False: ${reason}: ${message}`);
  const settled = [conditionOf(status?.conditions, 'Ready'), conditionOf(status?.conditions, 'Completed')];
  if (!settled.some(isTrue) || status?.observedGeneration !== metadata.generation) return wrong;
  const promised = PROMISES.get(type)?.(server, object) ?? {};
  const broken = Object.entries(promised).filter(([, holds]) => !holds);
  return [...wrong, ...broken.map(([what]) => `it is said to be ready, but not so: ${what}`)];
}

/** Whether what was asked for breaks; of what says nothing of itself, whether anything that was asked for does. */
function mayFail(server: FakeApiServer, { kind, spec }: KubeObject & { spec?: object }): boolean {
  const { template } = (spec ?? {}) as Partial<Templated['spec']>;
  const told = kind === REVISIONS.kind ? textOf(spec) : template && textOf(template.spec);
  const texts = told === undefined ? server.list(REVISIONS).map((revision) => textOf(revision.spec)) : [told];
  return texts.some((text) => text.includes(BREAKS.name));
}

function warnings(event: KubeObject): string[] {
  const { type, reason, message } = event as KubeObject & Record<'type' | 'reason' | 'message', string>;
  return type === 'Warning' ? [`${reason}: ${message}`] : [];
}

type Promises = (server: FakeApiServer, object: KubeObject) => Record<string, boolean>;

/** What an object of a kind promises by being ready, and whether it holds. */
const PROMISES = new Map<ResourceType, Promises>([
  [SERVICES, (server, object) => ofService(server, object as Service)],
  [CONFIGURATIONS, (server, object) => ofConfiguration(server, object as Configuration)],
  [ROUTES, (server, object) => ofRoute(server, object as Route)],
  [REVISIONS, (server, object) => ofRevision(server, object as Revision)],
  [WORKER_POOLS, (server, object) => ofPool(server, object as WorkerPool)],
  [JOBS, (server, object) => ofJob(server, object as Job)],
  [EXECUTIONS, ofExecution],
  [DOMAIN_MAPPINGS, ofMapping],
]);

type Templated = { spec: { template: { spec?: object } } };

/** What the containers of a template are told: each state of it differs in that. */
function textOf(spec: object | undefined): string {
  const { containers = [] } = (spec ?? {}) as { containers?: { env?: unknown }[] };
  return JSON.stringify(containers.map(({ env }) => env));
}

function isMadeOf(revision: Revision | undefined, { spec }: Templated): boolean {
  return textOf(revision?.spec) === textOf(spec.template.spec);
}

function revisionOf(server: FakeApiServer, namespace: string | undefined, name = ''): Revision | undefined {
  return server.get(REVISIONS, { namespace, name });
}

function isReady(object: Conditioned | undefined): boolean {
  return isTrue(conditionOf(object?.status?.conditions, 'Ready'));
}

function ofService(server: FakeApiServer, service: Service): Record<string, boolean> {
  const { metadata, status, spec } = service;
  const latest = revisionOf(server, metadata.namespace, status?.latestReadyRevisionName);
  const route = server.get(ROUTES, metadata);
  return {
    'its latest revision is its own': latest?.metadata.labels?.[SERVING.serviceUID] === metadata.uid,
    'its latest revision is made of its template': isMadeOf(latest, service),
    'its latest revision is ready': isReady(latest),
    'its route is its own': route !== undefined && isControlledBy(route, metadata.uid ?? ''),
    'its traffic goes where it should': (spec.traffic ?? []).every((wanted) =>
      status?.traffic?.some(
        ({ revisionName, tag, percent = 0 }) =>
          revisionName === (wanted.revisionName ?? status.latestReadyRevisionName) &&
          tag === wanted.tag &&
          percent === (wanted.percent ?? 0),
      ),
    ),
    'its traffic goes to its own revisions, which are ready': (status?.traffic ?? []).every(
      ({ revisionName }) => {
        const revision = revisionOf(server, metadata.namespace, revisionName);
        return isReady(revision) && revision?.metadata.labels?.[SERVING.serviceUID] === metadata.uid;
      },
    ),
  };
}

function ofConfiguration(server: FakeApiServer, configuration: Configuration): Record<string, boolean> {
  const { metadata, status } = configuration;
  const latest = revisionOf(server, metadata.namespace, status?.latestReadyRevisionName);
  return {
    'its latest revision is its own': latest !== undefined && isControlledBy(latest, metadata.uid ?? ''),
    'its latest revision is made of its template': isMadeOf(latest, configuration),
    'its latest revision is ready': isReady(latest),
  };
}

function ofRoute(server: FakeApiServer, { metadata, spec, status }: Route): Record<string, boolean> {
  const service = metadata.labels?.[SERVING.serviceUID];
  return {
    'its traffic goes where it should': (spec.traffic ?? []).every((wanted) =>
      status?.traffic?.some(
        ({ revisionName, tag }) =>
          (!wanted.revisionName || revisionName === wanted.revisionName) && tag === wanted.tag,
      ),
    ),
    "its traffic goes to its service's revisions": (status?.traffic ?? []).every(
      ({ revisionName }) =>
        revisionOf(server, metadata.namespace, revisionName)?.metadata.labels?.[SERVING.serviceUID] ===
        service,
    ),
  };
}

function ofRevision(server: FakeApiServer, { metadata }: Revision): Record<string, boolean> {
  const { namespace, name, uid = '' } = metadata;
  const deployment = server.get<Deployment>(DEPLOYMENTS, { namespace, name: deploymentName(name) });
  return { 'its instances are its own': deployment !== undefined && isControlledBy(deployment, uid) };
}

function ofPool(server: FakeApiServer, pool: WorkerPool): Record<string, boolean> {
  const { metadata, spec, status } = pool;
  // One that has no share is not tried, and the pool is ready without it.
  const latest = revisionOf(server, metadata.namespace, status?.latestCreatedRevisionName);
  const replicas = (name = '') =>
    server.get<Deployment>(DEPLOYMENTS, { namespace: metadata.namespace, name: deploymentName(name) })?.spec
      ?.replicas ?? 0;
  const count = instanceCount(pool);
  return {
    'its latest revision is its own': latest !== undefined && isControlledBy(latest, metadata.uid ?? ''),
    'its latest revision is made of its template': isMadeOf(latest, pool),
    'each revision has its share': (spec.instanceSplits ?? []).every(
      ({ revisionName = status?.latestReadyRevisionName, percent = 0 }) =>
        replicas(revisionName) === (count * percent) / 100,
    ),
    'no other has instances': server
      .list(REVISIONS)
      .filter(({ metadata: { labels } }) => labels?.[RUN.workerPool] === metadata.name)
      .every(
        ({ metadata: { name } }) =>
          replicas(name) === 0 || status?.instanceSplits?.some(({ revisionName }) => revisionName === name),
      ),
  };
}

function ofJob(server: FakeApiServer, { metadata, spec }: Job): Record<string, boolean> {
  const token = spec.runExecutionToken;
  if (!token) return {};
  const ref = { namespace: metadata.namespace, name: executionName(metadata.name, token) };
  const { status } = server.get(EXECUTIONS, ref) ?? {};
  return { 'its run is over': isTrue(conditionOf(status?.conditions, 'Completed')) };
}

function ofExecution(server: FakeApiServer, { metadata }: KubeObject): Record<string, boolean> {
  const job = server.list<BatchJob>(BATCH_JOBS).find((each) => isControlledBy(each, metadata.uid ?? ''));
  return { 'its task has succeeded': job?.status?.succeeded === 1 };
}

function ofMapping(server: FakeApiServer, mapping: KubeObject): Record<string, boolean> {
  const { routeName: name = '' } = (mapping as { spec?: { routeName?: string } }).spec ?? {};
  const route = server.get(ROUTES, { namespace: mapping.metadata.namespace, name });
  return {
    'its service answers': route?.status?.traffic?.some(({ percent = 0 }) => percent > 0) ?? false,
  };
}
