import type { KubeClient } from '../../operator/kube/client.ts';
import { DEPLOYMENTS, type Deployment, PODS } from '../../operator/kube/core.ts';
import { readyCondition } from '../../operator/kube/pod.ts';
import { SYSTEM_NAMESPACE } from '../lib/cluster.ts';
import { percentile } from '../lib/load.ts';
import { readyService } from '../lib/services.ts';
import { pairedResult, type Result, type Samples, table } from './result.ts';
import { type Bench, bareDeployment, noPods, type PodSpec, timed, Watches } from './watches.ts';

const IDLE = 'autoscaling.knative.dev/scale-to-zero-pod-retention-period';
const TEN = 10;
const REPETITIONS = 3;

/**
 * From a request at zero instances to its answer, against scaling a Deployment of the same pod until the API has the
 * pod's IP: whoever waits for that cannot be faster.
 */
export async function wakeFromZero(bench: Bench): Promise<Samples> {
  await using sleepers = await Sleepers.start(bench, 1);
  const { ours, bare } = await sleepers.wake(bench.samples);
  return { ours: ours.flat(), bare: bare.flat() };
}

/** The same for ten services that are asked at once, against ten Deployments that are scaled at once: the slowest 5 %. */
export async function wakeTen(bench: Bench): Promise<Result> {
  await using sleepers = await Sleepers.start(bench, TEN);
  const { ours, bare } = await sleepers.wake(REPETITIONS);
  console.log(table('wake-ten', 'ms', { ours: ours.flat(), bare: bare.flat() }));
  const p95 = (turns: number[][]) => turns.map((turn) => percentile(turn, 0.95));
  return pairedResult('wake-ten', 'ms p95', { ours: p95(ours), bare: p95(bare) }, 1);
}

/** Whether nodes send addresses to the gateways, for the rows of the results. */
export async function nodeRole(client: KubeClient): Promise<'on' | 'off'> {
  const labelSelector = 'app.kubernetes.io/component=node';
  const { items } = await client.list(PODS, { namespace: SYSTEM_NAMESPACE, labelSelector });
  return items.some(readyCondition) ? 'on' : 'off';
}

/** Services at zero instances and as many Deployments of the same pod. */
class Sleepers {
  readonly #bench: Bench;
  readonly #watches: Watches;
  readonly #urls: string[];
  readonly #deployments: Deployment[];

  private constructor(bench: Bench, watches: Watches, urls: string[], deployments: Deployment[]) {
    this.#bench = bench;
    this.#watches = watches;
    this.#urls = urls;
    this.#deployments = deployments;
  }

  static async start(bench: Bench, count: number): Promise<Sleepers> {
    const { client, namespace } = bench;
    const watches = new Watches(bench);
    const names = Array.from({ length: count }, (_, i) => `wake-${count}-${i}-x`);
    const annotations = { [IDLE]: '1s' };
    const services = await Promise.all(
      names.map((name) => readyService(client, namespace, name, { annotations })),
    );
    await noPods(bench);
    const made = watches.deployments.store.list();
    const bare = names.map((name) => {
      const same = made.find(({ metadata }) => metadata.name.startsWith(name));
      return bareDeployment(namespace, `bare-${name}`, 0, withoutProbes(same));
    });
    await Promise.all(bare.map((deployment) => client.create(DEPLOYMENTS, deployment)));
    return new Sleepers(
      bench,
      watches,
      services.map(({ url }) => url),
      bare,
    );
  }

  /** Milliseconds of each, turn by turn. */
  async wake(turns: number): Promise<{ ours: number[][]; bare: number[][] }> {
    const bench = this.#bench;
    const result: { ours: number[][]; bare: number[][] } = { ours: [], bare: [] };
    for (let i = 0; i < turns; i++) {
      result.ours.push(await Promise.all(this.#urls.map((url) => timed(() => this.#ask(url)))));
      await noPods(bench);
      result.bare.push(await Promise.all(this.#deployments.map((each) => timed(() => this.#address(each)))));
      await Promise.all(this.#deployments.map((each) => scale(bench, each, 0)));
      await noPods(bench);
    }
    return result;
  }

  async #ask(url: string): Promise<void> {
    const { status, body } = await this.#bench.visitor.ask(url);
    if (status !== 200) throw new Error(`${url} answered ${status}: ${body}`);
  }

  /** Scales a Deployment up and waits for the address of its pod. */
  async #address(deployment: Deployment): Promise<void> {
    const addressed = this.#watches.seen(
      this.#watches.pods,
      deployment.metadata.name,
      ({ metadata, status }) => !metadata.deletionTimestamp && status?.podIP !== undefined,
    );
    await scale(this.#bench, deployment, 1);
    await addressed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#watches.stop();
    return Promise.resolve();
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
