import { NOT_POOLED, SERVING } from '../apis/labels.ts';
import { deploymentName } from '../apis/names.ts';
import { type ScalingSpec, scalingSpec } from '../apis/serving/revision/scaling.ts';
import type { Revision } from '../apis/serving/revision/types.ts';
import type { Service } from '../apis/serving/service/types.ts';
import type { Target } from '../apis/serving/traffic/targets.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Deployment, Pod } from '../kube/core.ts';
import type { Informer } from '../kube/informer.ts';
import { keyOf } from '../kube/types.ts';
import type { RoleConfig } from '../roles.ts';
import type { Logger } from '../telemetry/log.ts';
import { CpuReader, cpuOf } from './cpu.ts';
import type { CpuLoad } from './decide.ts';
import type { Entry } from './entry.ts';

export interface RevisionReaderOptions {
  client: KubeClient;
  config: Pick<RoleConfig<'controller'>, 'autoscaler' | 'namespaces'>;
  informers: {
    services: Informer<Service>;
    deployments: Informer<Deployment>;
    /** Has an index `revision` by the UIDs of revisions. */
    pods: Informer<Pod>;
  };
  /** Unix time in ms. */
  today: () => number;
  log: Logger;
}

/** What the caches and the metrics API know of a revision; what follows from it is kept in its entry until it changes. */
export class RevisionReader {
  readonly #informers: RevisionReaderOptions['informers'];
  readonly #limits: RoleConfig<'controller'>['autoscaler'];
  readonly #cpu: CpuReader;
  readonly #today: () => number;

  constructor({ client, config, informers, today, log }: RevisionReaderOptions) {
    this.#informers = informers;
    this.#limits = config.autoscaler;
    this.#today = today;
    const labelSelector = `${SERVING.revision},${NOT_POOLED}`;
    this.#cpu = new CpuReader({ client, labelSelector, namespaces: config.namespaces, log });
  }

  /** Reads the CPU use of all instances again when it is due. */
  pollCpu(now: number): void {
    void this.#cpu.poll(now);
  }

  deploymentOf({ metadata: { namespace, name } }: Revision): Deployment | undefined {
    return this.#informers.deployments.store.get(keyOf({ namespace, name: deploymentName(name) }));
  }

  podsOf({ uid }: Entry): Pod[] {
    return this.#informers.pods.store.byIndex('revision', uid ?? '');
  }

  /** The same object while none of its sources has changed: stores replace changed objects. */
  specOf(entry: Entry, revision: Revision, target: Target | undefined): ScalingSpec {
    const { namespace, labels } = revision.metadata;
    const name = labels?.[SERVING.service];
    const service = name ? this.#informers.services.store.get(`${namespace}/${name}`) : undefined;
    if (entry.spec && entry.revision === revision && entry.service === service && entry.target === target) {
      return entry.spec;
    }
    const spec = scalingSpec(revision, service, target, this.#limits);
    Object.assign(entry, { spec, revision, service, target });
    return spec;
  }

  /** How busy its instances are; undefined while nothing is measured. */
  cpuLoadOf(entry: Entry): CpuLoad | undefined {
    const use = this.#cpu.use;
    if (use.state !== 'known') return use.state === 'lost' ? { cores: undefined, unmeasured: 0 } : undefined;
    if (entry.cpu?.poll === use.poll) return entry.cpu.load;
    const load = cpuOf(this.podsOf(entry), use.pods, this.#today());
    entry.cpu = { poll: use.poll, load };
    return load;
  }
}
