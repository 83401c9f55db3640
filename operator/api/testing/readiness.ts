import { HOMERUN } from '../../apis/annotations/homerun.ts';
import { DOMAIN_MAPPINGS } from '../../apis/domains/domainMapping/types.ts';
import { EXECUTIONS } from '../../apis/run/execution/types.ts';
import { JOBS } from '../../apis/run/job/types.ts';
import { WORKER_POOLS } from '../../apis/run/workerPool/types.ts';
import { REVISIONS } from '../../apis/serving/revision/types.ts';
import { SERVICES } from '../../apis/serving/service/types.ts';
import type { KubeClient } from '../../kube/client.ts';
import { contentHash } from '../../kube/json.ts';
import type { KubeObject, ResourceType } from '../../kube/types.ts';
import { type ApiInstallation, useApi } from './installation.ts';

type Json = Record<string, unknown>;
type Served = KubeObject & { spec?: Json & { template?: Json }; status?: Json };

const TRAFFIC = { percent: 100, latestRevision: true };

function isEndless({ spec }: Served): boolean {
  return JSON.stringify(spec).includes('"image":"endless"');
}

function isCancelled({ metadata }: Served): boolean {
  return metadata.annotations?.[HOMERUN.cancel] === 'true';
}

/** What a controller would say of an object that is ready; an image `broken` never is, and an image `endless` never ends. */
function statusOf(object: Served): Json {
  const { kind, metadata, spec } = object;
  const { name, generation } = metadata;
  const broken = JSON.stringify(spec).includes('"image":"broken');
  const condition = (type: string) => ({
    type,
    status: broken ? 'False' : 'True',
    ...(broken ? { reason: 'ImagePullFailed', message: 'the image broken cannot be pulled' } : {}),
    lastTransitionTime: '2026-01-01T00:00:00Z',
  });
  const conditions = (...types: string[]) => types.map(condition);
  const observedGeneration = generation;
  if (kind === 'Job') return { observedGeneration, conditions: conditions('Ready') };
  if (kind === 'DomainMapping') {
    const resourceRecords = [{ type: 'CNAME', name, rrdata: 'gateway.example.test' }];
    return { observedGeneration, conditions: conditions('Ready'), resourceRecords };
  }
  if (kind === 'Execution') {
    const begun = { observedGeneration, startTime: '2026-01-01T00:00:00Z' };
    const started = conditions('ResourcesAvailable', 'Started');
    if (isEndless(object)) {
      const cancelled = { status: 'False', reason: 'Cancelled', message: 'The execution was cancelled.' };
      const outcome = isCancelled(object) ? cancelled : { status: 'Unknown' };
      return { ...begun, conditions: [...started, { ...condition('Completed'), ...outcome }] };
    }
    return {
      ...begun,
      completionTime: '2026-01-01T00:00:04Z',
      succeededCount: 1,
      conditions: [...started, condition('Completed')],
    };
  }
  const latest = revisionOf(name, spec);
  const latestReadyRevisionName = broken ? undefined : latest;
  const latestNames = { latestCreatedRevisionName: latest, latestReadyRevisionName };
  if (kind === 'WorkerPool') {
    const instanceSplits = [{ revisionName: latest, ...TRAFFIC }];
    return { observedGeneration, conditions: conditions('Ready'), ...latestNames, instanceSplits };
  }
  const targets = (spec?.traffic ?? [TRAFFIC]) as Json[];
  const url = `https://${name}.demo.example.test`;
  return {
    observedGeneration,
    ...latestNames,
    url,
    address: { url },
    traffic: targets.map((target) => ({ revisionName: latest, ...target })),
    conditions: conditions('Ready', 'ConfigurationsReady', 'RoutesReady'),
  };
}

function revisionOf(name: string, spec: Json | undefined): string {
  const { metadata } = (spec?.template ?? {}) as { metadata?: { name?: string } };
  return metadata?.name ?? `${name}-${contentHash(spec?.template).slice(0, 8)}`;
}

/** Gives a suite what {@link useApi} gives, with controllers that are played: whatever is written is ready at once. */
export function useReadyApi(): ApiInstallation {
  const stop = new AbortController();
  let ready: Promise<void>;
  // Before the installation ends, whose client it uses.
  after(async () => {
    stop.abort();
    await ready;
  });
  const installation = useApi();
  before(() => {
    ready = makeReady(installation.client, stop.signal);
  });
  return installation;
}

async function makeReady(client: KubeClient, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    for (const type of [
      SERVICES,
      JOBS,
      EXECUTIONS,
      WORKER_POOLS,
      DOMAIN_MAPPINGS,
    ] as ResourceType<Served>[]) {
      const { items } = await client.list(type);
      for (const item of items) await settle(client, type, item).catch(() => {});
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function settle(client: KubeClient, type: ResourceType<Served>, object: Served): Promise<void> {
  const { metadata, status, spec } = object;
  const isKnown = status?.observedGeneration === metadata.generation;
  if (isKnown && !(isEndless(object) && isCancelled(object))) return;
  await client.mergePatch(type, metadata, { status: statusOf(object) }, { subresource: 'status' });
  if (type.kind !== SERVICES.kind) return;
  const { namespace, uid = '' } = metadata;
  const name = revisionOf(metadata.name, spec);
  const template = (spec?.template ?? {}) as { metadata?: { labels?: Json }; spec?: Json };
  const labels = {
    ...template.metadata?.labels,
    'serving.knative.dev/service': metadata.name,
    'serving.knative.dev/configuration': metadata.name,
  };
  const owner = { apiVersion: type.apiVersion, kind: type.kind, name: metadata.name, uid };
  await client.create(REVISIONS, {
    apiVersion: REVISIONS.apiVersion,
    kind: REVISIONS.kind,
    metadata: { name, namespace, labels, ownerReferences: [owner] },
    spec: template.spec,
  } as never);
  const conditions = [{ type: 'Ready', status: 'True' }];
  await client.mergePatch(
    REVISIONS,
    { name, namespace },
    { status: { conditions } },
    { subresource: 'status' },
  );
}
