import type { KubeClient } from '../../kube/client.ts';
import { PODS, type Pod } from '../../kube/core.ts';
import { Informer } from '../../kube/informer.ts';
import { hasEnded } from '../../kube/pod.ts';
import type { Logger } from '../../telemetry/log.ts';

/** What kind of pod each is, as the chart labels them. */
const COMPONENT = 'app.kubernetes.io/component';
const SELECTOR = `app.kubernetes.io/name=homerun,${COMPONENT} in (controller,node)`;

export interface PeersOptions {
  client: Pick<KubeClient, 'list' | 'watch'>;
  /** The operator's own, in which only its administrators make pods. */
  namespace: string;
  log: Logger;
}

/** The pods of the other roles that may tell a gateway something, known by their addresses. */
export class Peers {
  readonly informer: Informer<Pod>;

  constructor({ client, namespace, log }: PeersOptions) {
    this.informer = new Informer({
      client,
      log,
      type: PODS,
      name: 'own-pods',
      namespace,
      labelSelector: SELECTOR,
      indexers: { address: addressesOf },
      transform: slim,
    });
  }

  isController(address: string): boolean {
    return this.#at(address, 'controller') !== undefined;
  }

  /** @returns the node of the node role's pod with this address. */
  nodeAt(address: string): string | undefined {
    return this.#at(address, 'node')?.spec?.nodeName;
  }

  #at(address: string, component: string): Pod | undefined {
    const found = this.informer.store.byIndex('address', address);
    return found.find(({ metadata }) => metadata.labels?.[COMPONENT] === component);
  }
}

/** Pods that share their node's addresses cannot be told apart by them, and one that has ended has lost its own. */
function addressesOf(pod: Pod): string[] {
  if (pod.spec?.hostNetwork || hasEnded(pod)) return [];
  return (pod.status?.podIPs ?? []).map(({ ip }) => ip);
}

/** The few fields that matter: there is a pod for each node. */
function slim({ apiVersion, kind, metadata, spec, status }: Pod): Pod {
  const { name, namespace, uid, resourceVersion, labels } = metadata;
  return {
    apiVersion,
    kind,
    metadata: { name, namespace, uid, resourceVersion, labels },
    spec: { nodeName: spec?.nodeName, hostNetwork: spec?.hostNetwork },
    status: { phase: status?.phase, podIPs: status?.podIPs },
  } as Pod;
}
