import { conditionOf } from '../../operator/apis/condition.ts';
import { SERVICES, type Service } from '../../operator/apis/serving/service/types.ts';
import { DEPLOYMENTS } from '../../operator/kube/core.ts';
import { applyService, helloService } from '../lib/services.ts';
import { limitResult, type Result, type Samples } from './result.ts';
import { type Bench, bareDeployment, noPods, timed, Watches } from './watches.ts';

const INITIAL = 'autoscaling.knative.dev/initial-scale';

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

function isReady({ metadata, status }: Service): boolean {
  return (
    status?.observedGeneration === metadata.generation &&
    conditionOf(status?.conditions, 'Ready')?.status === 'True'
  );
}
