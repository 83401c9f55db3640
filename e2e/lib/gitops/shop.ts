import { readFileSync } from 'node:fs';
import { parse, stringify } from 'yaml';
import { HOMERUN } from '../../../operator/apis/annotations/homerun.ts';
import { conditionOf } from '../../../operator/apis/condition.ts';
import { KIND_TYPES } from '../../../operator/apis/kinds.ts';
import { EXECUTIONS } from '../../../operator/apis/run/execution/types.ts';
import { WORKER_POOLS } from '../../../operator/apis/run/workerPool/types.ts';
import { SERVICES } from '../../../operator/apis/serving/service/types.ts';
import {
  BATCH_JOBS,
  CORE_SERVICES,
  DEPLOYMENTS,
  DISRUPTION_BUDGETS,
  PODS,
} from '../../../operator/kube/core.ts';
import {
  type KubeObject,
  namespaced,
  type ObjectRef,
  type ResourceType,
} from '../../../operator/kube/types.ts';
import { until } from '../../../operator/testing/until.ts';
import { type Installation, NAMESPACE } from '../../../operator/webhook/testing/installation.ts';
import { kubectl } from '../tools.ts';

/** A manifest of e2e/samples. */
export function sample(name: string): string {
  return readFileSync(new URL(`../../samples/${name}.yaml`, import.meta.url), 'utf8');
}

/** The folder `shop`: what the README has people apply. */
export const SHOP: Readonly<Record<string, string>> = {
  'shop/hello.yaml': sample('hello'),
  'shop/job.yaml': sample('job'),
  'shop/counter.yaml': sample('worker-pool'),
};

export const HELLO = { namespace: NAMESPACE, name: 'hello' };
export const JOB = { namespace: NAMESPACE, name: 'hello-job' };
export const COUNTER = { namespace: NAMESPACE, name: 'counter' };

/** The job of the documentation that comes before the rest, as one task without retries. */
export function migration(image: string): string {
  const manifest = parse(sample('job'));
  manifest.metadata.name = 'migrate';
  Object.assign(manifest.spec.template.spec, { taskCount: 1, parallelism: 1 });
  const task = manifest.spec.template.spec.template.spec;
  Object.assign(task, { maxRetries: 0 });
  task.containers[0].image = image;
  return stringify(manifest);
}

/** All that Homerun and Kubernetes make of the objects in Git. */
const MADE: ResourceType[] = [
  ...KIND_TYPES,
  namespaced('apps/v1', 'ReplicaSet', 'replicasets'),
  ...[CORE_SERVICES, DEPLOYMENTS, BATCH_JOBS, PODS, DISRUPTION_BUDGETS],
];

/** The shop as it is in a cluster, and what people do to it there by hand. */
export class Shop {
  readonly #cluster: Installation;

  /** @param cluster may be filled in later, before it is asked. */
  constructor(cluster: Installation) {
    this.#cluster = cluster;
  }

  get<T extends KubeObject>(type: ResourceType<T>, ref: ObjectRef): Promise<T | undefined> {
    return this.#cluster.client.get(type, ref);
  }

  kubectl(...args: string[]): Promise<string> {
    return kubectl(this.#cluster.server, ['--namespace', NAMESPACE, ...args]);
  }

  async scale(type: ResourceType, ref: ObjectRef, replicas: number): Promise<void> {
    await this.#cluster.client.mergePatch(type, ref, { spec: { replicas } }, { subresource: 'scale' });
  }

  /** Where the service's traffic goes: `90 % hello-v1`. */
  async traffic(): Promise<string[] | undefined> {
    const { status } = (await this.get(SERVICES, HELLO)) ?? {};
    return status?.traffic?.map(({ revisionName, percent }) => `${percent} % ${revisionName}`);
  }

  async sendAllTo(revisionName: string): Promise<void> {
    await this.#cluster.client.mergePatch(SERVICES, HELLO, {
      spec: { traffic: [{ revisionName, percent: 100 }] },
    });
  }

  async runJob(value: string): Promise<void> {
    await this.kubectl(
      'annotate',
      '--overwrite',
      'jobs.run.googleapis.com/hello-job',
      `${HOMERUN.run}=${value}`,
    );
  }

  /** The executions that have succeeded, by name. */
  async runs(): Promise<string[]> {
    const { items } = await this.#cluster.client.list(EXECUTIONS, { namespace: NAMESPACE });
    return items
      .filter(({ status }) => conditionOf(status?.conditions, 'Completed')?.status === 'True')
      .map(({ metadata }) => metadata.name)
      .sort();
  }

  /** Waits until the pool is to have so many instances, and all of them are ready. */
  async countersRun(count: number): Promise<void> {
    await until(`${count} instances`, async () => {
      const { spec, status } = (await this.get(WORKER_POOLS, COUNTER)) ?? {};
      return spec?.manualInstanceCount === count && status?.readyInstances === count;
    });
  }

  /** Kind and name of all that there is. */
  async present(): Promise<string[]> {
    const namespace = NAMESPACE;
    const lists = await Promise.all(MADE.map((type) => this.#cluster.client.list(type, { namespace })));
    return lists.flatMap(({ items }) => items.map(({ kind, metadata }) => `${kind} ${metadata.name}`));
  }

  /** Waits until nothing is left but the service and its revisions. */
  async onlyHelloIsLeft(): Promise<void> {
    const isOthers = (name: string) => !/^\S+ hello($|-v)/.test(name);
    await until('nothing else to be left', async () => (await this.present()).filter(isOthers).length === 0);
  }
}
