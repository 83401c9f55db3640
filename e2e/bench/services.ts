import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';
import { conditionOf } from '../../operator/apis/condition.ts';
import { SERVICES, type Service } from '../../operator/apis/serving/service/types.ts';
import type { KubeClient } from '../../operator/kube/client.ts';
import { DEPLOYMENTS, type Deployment, PODS } from '../../operator/kube/core.ts';
import { readyCondition } from '../../operator/kube/pod.ts';
import { SYSTEM_NAMESPACE } from '../lib/cluster.ts';
import { applyService, helloService, readyService } from '../lib/services.ts';
import { limitResult, type Result, type Samples } from './result.ts';
import { type Bench, bareDeployment, noPods, type PodSpec, timed, Watches } from './watches.ts';

const INITIAL = 'autoscaling.knative.dev/initial-scale';
const IDLE = 'autoscaling.knative.dev/scale-to-zero-pod-retention-period';

/** From applying a new service to Ready, against applying a plain Deployment of the image to its being available. */
export async function applyToReady(bench: Bench): Promise<Samples> {
  const { client, namespace } = bench;
  const watches = new Watches(bench);
  const ours: number[] = [];
  const bare: number[] = [];
  for (let i = 0; i < bench.samples; i++) {
    const service = `ready-${i}`;
    const ready = watches.seen(watches.services, service, isReady);
    ours.push(
      await timed(
        async () => void (await Promise.all([applyService(client, helloService(namespace, service)), ready])),
      ),
    );
    await client.delete(SERVICES, { namespace, name: service });
    await noPods(bench);

    const deployment = bareDeployment(namespace, `bare-${i}`, 1);
    const available = watches.seen(
      watches.deployments,
      deployment.metadata.name,
      ({ status }) => status?.availableReplicas === 1,
    );
    bare.push(
      await timed(async () => void (await Promise.all([client.create(DEPLOYMENTS, deployment), available]))),
    );
    await client.delete(DEPLOYMENTS, deployment.metadata, { propagationPolicy: 'Background' });
    await noPods(bench);
  }
  watches.stop();
  return { ours, bare };
}

/** Seconds from applying fifty new services at once to all being Ready, where none is to start an instance. */
export async function manyAtZero(bench: Bench): Promise<Result> {
  const { client, namespace } = bench;
  const watches = new Watches(bench);
  const names = Array.from({ length: 50 }, (_, index) => `zero-${index}-x`);
  const ready = names.map((name) => watches.seen(watches.services, name, isReady));
  const applied = names.map((name) =>
    applyService(client, helloService(namespace, name, { annotations: { [INITIAL]: '0' } })),
  );
  const ms = await timed(async () => void (await Promise.all([...applied, ...ready])));
  watches.stop();
  await Promise.all(names.map((name) => client.delete(SERVICES, { namespace, name })));
  return limitResult('50-services-at-zero', 's from apply to ready', ms / 1000, 5);
}

/** What a wake is held against. */
export interface WakeSamples extends Samples {
  /** From scaling the Deployment until the API shows its pod's address. */
  addressed: number[];
}

/** From a request at zero instances to its answer, against scaling a Deployment of the same pod to its first answer. */
export async function wakeFromZero(bench: Bench): Promise<WakeSamples> {
  const { client, namespace, visitor } = bench;
  const watches = new Watches(bench);
  const { url } = await readyService(client, namespace, 'wake', { annotations: { [IDLE]: '1s' } });
  await noPods(bench);
  const revision = watches.deployments.store.list().find(({ metadata }) => metadata.name.startsWith('wake-'));
  const same = bareDeployment(namespace, 'asleep', 0, withoutProbes(revision));
  await client.create(DEPLOYMENTS, same);
  const ours: number[] = [];
  const bare: number[] = [];
  const addressed: number[] = [];
  for (let i = 0; i < bench.samples; i++) {
    ours.push(await timed(async () => void (await visitor.ask(url))));
    await noPods(bench);
    bare.push(await timed(() => scaleToFirstAnswer(bench, watches, same, (ms) => addressed.push(ms))));
    await scale(bench, same, 0);
    await noPods(bench);
  }
  watches.stop();
  return { ours, bare, addressed };
}

/** Whether nodes tell the gateways addresses, for a row of the results. */
export async function nodeRole(client: KubeClient): Promise<'on' | 'off'> {
  const labelSelector = 'app.kubernetes.io/component=node';
  const { items } = await client.list(PODS, { namespace: SYSTEM_NAMESPACE, labelSelector });
  return items.some(readyCondition) ? 'on' : 'off';
}

async function scaleToFirstAnswer(
  bench: Bench,
  watches: Watches,
  deployment: Deployment,
  onAddress: (elapsedMs: number) => void,
): Promise<void> {
  const begun = performance.now();
  const addressed = watches.seen(
    watches.pods,
    deployment.metadata.name,
    ({ metadata, status }) => !metadata.deletionTimestamp && status?.podIP !== undefined,
  );
  await scale(bench, deployment, 1);
  const { status } = await addressed;
  onAddress(performance.now() - begun);
  for (;;) {
    try {
      const { body } = await request(`http://${status?.podIP}:8080/`);
      await body.dump();
      return;
    } catch {
      await sleep(10);
    }
  }
}

function scale({ client }: Bench, deployment: Deployment, replicas: number): Promise<unknown> {
  return client.mergePatch(
    DEPLOYMENTS,
    deployment.metadata,
    { spec: { replicas } },
    { subresource: 'scale' },
  );
}

/** The pod that Homerun starts, less its probes: the fastest that Kubernetes alone can be with it. */
function withoutProbes(deployment: Deployment | undefined): PodSpec {
  const spec = structuredClone(deployment?.spec?.template.spec) as PodSpec;
  for (const container of spec.containers) delete container.startupProbe;
  return spec;
}

function isReady({ metadata, status }: Service): boolean {
  return (
    status?.observedGeneration === metadata.generation &&
    conditionOf(status?.conditions, 'Ready')?.status === 'True'
  );
}
