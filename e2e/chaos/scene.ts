import type { KubeClient } from '../../operator/kube/client.ts';
import type { Pod } from '../../operator/kube/core.ts';
import type { Random } from '../../operator/testing/random.ts';

/** What a fault works with. */
export interface Scene {
  client: KubeClient;
  random: Random;
  /** Milliseconds since the run began. */
  clock: () => number;
}

/** A fault once it is over. */
export interface Injected {
  target: string;
  at: number;
  overAt: number;
  killsGateway?: boolean;
  /** When the leader was killed, by the wall clock. */
  leaderKilledAt?: number;
  mayRestart?: readonly string[];
  /** Whether what was hit works again; one that fails is asked again. */
  isBack: () => Promise<boolean>;
}

/** A pod by chance, in an order that does not depend on the API server's. */
export function anyOf(pods: readonly Pod[], random: Random): Pod {
  return random.pick([...pods].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1)));
}

/**
 * How often the containers of a pod were started again. One of which nothing is known but that it is another one has not run
 * before: the kubelet makes a new one where containerd was killed before it had started the first.
 */
export function restartsOf({ status }: Pod): number {
  const ran = (status?.containerStatuses ?? []).filter(({ lastState }) => lastState?.terminated);
  return ran.reduce((sum, { restartCount }) => sum + restartCount, 0);
}
