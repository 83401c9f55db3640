import { conditionOf } from '../../operator/apis/condition.ts';
import { SERVICES, type Service } from '../../operator/apis/serving/service/types.ts';
import type { KubeClient } from '../../operator/kube/client.ts';
import { Informer } from '../../operator/kube/informer.ts';
import { keyOf, type ObjectRef } from '../../operator/kube/types.ts';
import { createLogger } from '../../operator/telemetry/log.ts';
import { until } from '../lib/wait.ts';

/** As many people and pipelines as apply at once; the API server queues what is beyond its limits for one client. */
const AT_ONCE = 100;
const READY_MS = 1_800_000;
/** With a digest, so that no registry is asked. */
const IMAGE = `registry.example/team/app@sha256:${'a'.repeat(64)}`;

/** What a service of a run is like. */
export interface Wanted {
  /** Port of the instances' program. */
  port: number;
  /** Instances that a new revision starts with; one when left out, as on Cloud Run. */
  initial?: 0;
  /** Instances that it has at least. */
  least?: number;
  /** What differs between its revisions. */
  version?: number;
  /** A tag for its latest revision. */
  tag?: string;
}

/** A service as people have them: some variables, limits and a port. */
export function serviceOf({ namespace, name }: Required<ObjectRef>, wanted: Wanted): Service {
  const { port, initial, least, version = 1, tag } = wanted;
  const settings = Array.from({ length: 5 }, (_, index) => ({ name: `SETTING_${index}`, value: `${index}` }));
  const annotations = {
    'autoscaling.knative.dev/maxScale': '1000',
    ...(initial === undefined ? {} : { 'autoscaling.knative.dev/initial-scale': String(initial) }),
  };
  const container = {
    image: IMAGE,
    env: [...settings, { name: 'VERSION', value: String(version) }],
    ports: [{ name: 'http1', containerPort: port }],
    resources: { limits: { cpu: '1', memory: '256Mi' } },
  };
  return {
    apiVersion: SERVICES.apiVersion,
    kind: SERVICES.kind,
    metadata: {
      namespace,
      name,
      annotations: least === undefined ? {} : { 'run.googleapis.com/minScale': String(least) },
    },
    spec: {
      template: { metadata: { annotations }, spec: { containers: [container] } },
      traffic: [{ latestRevision: true, percent: 100, ...(tag ? { tag } : {}) }],
    },
  } as Service;
}

/** The services of a run, watched, so that the moment in which one becomes ready is known. */
export class Services {
  readonly #client: KubeClient;
  readonly #informer: Informer<Service>;
  readonly #stop = new AbortController();

  constructor(client: KubeClient) {
    this.#client = client;
    this.#informer = new Informer({ client, log: createLogger('scale', 'warn'), type: SERVICES });
    void this.#informer.run(this.#stop.signal);
  }

  /** Applies services as one tool would, as fast as the API server takes them, and resolves when all are ready. */
  async ready(services: readonly Service[]): Promise<void> {
    const generations = new Map<string, number>();
    const left = [...services];
    const apply = async () => {
      for (let service = left.pop(); service; service = left.pop()) {
        const stored = await this.#client.apply(SERVICES, service, { fieldManager: 'scale' });
        generations.set(keyOf(stored.metadata), stored.metadata.generation ?? 0);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, apply));
    const arePresent = () => {
      for (const [key, generation] of generations) {
        if (!isReady(this.#informer.store.get(key), generation)) return false;
        generations.delete(key);
      }
      return true;
    };
    await until(`${services.length} services to be ready`, arePresent, { timeoutMs: READY_MS, everyMs: 5 });
  }

  /** The service as it was last seen. */
  get(ref: ObjectRef): Service | undefined {
    return this.#informer.store.get(keyOf(ref));
  }

  stop(): void {
    this.#stop.abort();
  }
}

function isReady(service: Service | undefined, generation: number): boolean {
  const { observedGeneration = 0, conditions } = service?.status ?? {};
  return observedGeneration >= generation && conditionOf(conditions, 'Ready')?.status === 'True';
}
