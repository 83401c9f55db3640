import { WORKER_POOLS, type WorkerPool } from '../../operator/apis/run/workerPool/types.ts';
import { SERVICES, type Service } from '../../operator/apis/serving/service/types.ts';
import type { KubeClient } from '../../operator/kube/client.ts';
import { DEPLOYMENTS, type Deployment, PODS, type Pod } from '../../operator/kube/core.ts';
import { Informer } from '../../operator/kube/informer.ts';
import type { KubeObject } from '../../operator/kube/types.ts';
import { createLogger } from '../../operator/telemetry/log.ts';
import type { Address } from '../lib/cluster.ts';
import type { Visitor } from '../lib/http.ts';
import { HELLO_IMAGE, readyService, type ServiceOptions } from '../lib/services.ts';
import { until } from '../lib/wait.ts';

const log = createLogger('bench', 'warn');

export interface Bench {
  client: KubeClient;
  visitor: Visitor;
  /** Where the gateway's node port answers. */
  gateway: Address;
  namespace: string;
  samples: number;
}

/** Watches a namespace's services, worker pools, deployments and pods, so that a change is seen when it happens. */
export class Watches {
  readonly services: Informer<Service>;
  readonly pools: Informer<WorkerPool>;
  readonly deployments: Informer<Deployment>;
  readonly pods: Informer<Pod>;
  readonly #stop = new AbortController();

  constructor({ client, namespace }: Bench) {
    const common = { client, log, namespace };
    this.services = new Informer({ ...common, type: SERVICES });
    this.pools = new Informer({ ...common, type: WORKER_POOLS });
    this.deployments = new Informer({ ...common, type: DEPLOYMENTS });
    this.pods = new Informer({ ...common, type: PODS });
    for (const informer of [this.services, this.pools, this.deployments, this.pods]) {
      void informer.run(this.#stop.signal);
    }
  }

  /** Resolves at the change after which `holds` is true of the object. */
  seen<T extends KubeObject>(informer: Informer<T>, name: string, holds: (object: T) => boolean): Promise<T> {
    return new Promise((resolve) => {
      informer.onChange(({ type, object }) => {
        if (type !== 'deleted' && object.metadata.name.startsWith(name) && holds(object)) resolve(object);
      });
    });
  }

  stop(): void {
    this.#stop.abort();
  }
}

export type PodSpec = NonNullable<NonNullable<Deployment['spec']>['template']['spec']>;

/** A Deployment as anybody would write it, of the test program or of the given pod. */
export function bareDeployment(
  namespace: string,
  name: string,
  replicas: number,
  spec?: PodSpec,
): Deployment {
  const labels = { app: name };
  const plain = {
    containers: [{ name: 'hello', image: HELLO_IMAGE, env: [{ name: 'PORT', value: '8080' }] }],
  };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: spec ?? plain },
    },
  } as Deployment;
}

/** Milliseconds that it takes. */
export async function timed(act: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await act();
  return performance.now() - start;
}

/** Gives what is measured of a service with instances, which is deleted afterwards: the next bench begins without any. */
export async function withService<T>(
  { client, namespace }: Bench,
  name: string,
  options: ServiceOptions,
  measure: (url: string) => Promise<T>,
): Promise<T> {
  const { url } = await readyService(client, namespace, name, options);
  try {
    return await measure(url);
  } finally {
    await client.delete(SERVICES, { namespace, name });
  }
}

/** Waits until the namespace is empty, so that the next sample is like the one before. */
export function noPods({ client, namespace }: Bench): Promise<boolean> {
  const none = async () => (await client.list(PODS, { namespace })).items.length === 0;
  return until('all pods to be gone', none, { timeoutMs: 120_000 });
}
