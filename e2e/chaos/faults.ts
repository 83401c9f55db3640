import type { Random } from '../../operator/testing/random.ts';
import type { Role } from '../lib/roles.ts';
import { expiringCertificate, leaseStolen, registryDown, slowApiServer, steppedClock } from './conditions.ts';
import { fullDisk } from './fullDisk.ts';
import { killComponent, killPod, pauseComponent, pausePod } from './kills.ts';
import { COMPONENTS, type Component } from './processes.ts';
import type { Injected, Scene } from './scene.ts';

export interface Fault {
  /** How often it comes, against the others. */
  weight: number;
  /** It can come only after so many rounds. */
  afterRounds?: number;
  inject: (scene: Scene) => Promise<Injected>;
}

/** Roles whose pods are killed and stopped, and where the leader is one of them. */
const ROLES: readonly Role[] = ['controller', 'webhook', 'gateway', 'metadata', 'api', 'node'];
const PAUSED: readonly Component[] = ['kube-apiserver', 'etcd', 'containerd', 'kubelet'];

/** Everything that is done to a cluster, by name. */
export const FAULTS: Readonly<Record<string, Fault>> = {
  ...Object.fromEntries(
    ROLES.map((role) => [`kill ${role}`, { weight: 6, inject: (scene: Scene) => killPod(scene, role) }]),
  ),
  ...Object.fromEntries(
    COMPONENTS.map((name) => [
      `kill ${name}`,
      { weight: 4, inject: (scene: Scene) => killComponent(scene, name) },
    ]),
  ),
  ...Object.fromEntries(
    ROLES.map((role) => [`pause ${role}`, { weight: 1, inject: (scene: Scene) => pausePod(scene, role) }]),
  ),
  ...Object.fromEntries(
    PAUSED.map((name) => [
      `pause ${name}`,
      { weight: 1, inject: (scene: Scene) => pauseComponent(scene, name) },
    ]),
  ),
  'API server slow and failing': { weight: 4, inject: slowApiServer },
  'disk full': { weight: 3, inject: fullDisk },
  'registry down': { weight: 3, inject: registryDown },
  'clock stepped': { weight: 3, inject: steppedClock },
  // An authority is good for certificates ten minutes after it was made, which so many rounds take.
  'certificate about to expire': { weight: 4, afterRounds: 80, inject: expiringCertificate },
  'lease stolen': { weight: 3, inject: leaseStolen },
};

/** The fault of a round. Pure. */
export function chosen(random: Random, round: number): string {
  const possible = Object.entries(FAULTS).filter(([, { afterRounds = 0 }]) => round > afterRounds);
  let left = random.next() * possible.reduce((sum, [, { weight }]) => sum + weight, 0);
  for (const [name, { weight }] of possible) {
    left -= weight;
    if (left < 0) return name;
  }
  return possible.at(-1)?.[0] as string;
}
