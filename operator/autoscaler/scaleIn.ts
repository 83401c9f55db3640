import type { Deployment, Pod } from '../kube/core.ts';
import { type DrainInput, type DrainResult, NO_DRAINS, nextDrains } from './drain.ts';
import type { Entry } from './entry.ts';
import { isEvicting } from './evictions.ts';
import { candidateOf, isObserved, isThere, namedInstance, uidOf } from './instances.ts';
import type { RequestLoad } from './load.ts';
import type { NamedInstance } from './view.ts';

/** How many instances a revision has and should have. */
export interface Scaling {
  readonly deployment: Deployment;
  readonly replicas: number;
  readonly target: number;
  readonly keep: number;
  readonly requests: RequestLoad | undefined;
}

/** What the gateways say of an instance that drains. */
type AnswerOf = (instance: NamedInstance) => ReturnType<DrainInput['answer']>;

const NOTHING: DrainResult = { drains: NO_DRAINS, evict: [] };

/**
 * The next step of a revision's scale-in, or of its evictions.
 * @param pods all of its pods.
 * @param now on the clock of the entry's drains, in ms.
 */
export function nextScaleIn(
  { drains, written }: Entry,
  pods: readonly Pod[],
  { deployment, replicas, target, keep, requests }: Scaling,
  answer: AnswerOf,
  now: number,
): DrainResult {
  const evicting = new Set(pods.filter(isEvicting).map(uidOf));
  if (target >= replicas && drains.size + evicting.size === 0) return NOTHING;
  const there = pods.filter(isThere);
  const named = new Map(there.map((pod) => [uidOf(pod), namedInstance(pod)]));
  return nextDrains(
    drains,
    {
      replicas,
      target,
      instances: there.map((pod) => candidateOf(pod, requests)),
      answer: (uid) => answer(named.get(uid) ?? { uid, name: '' }),
      observed: written === undefined && isObserved(deployment, there.length),
      evicting,
      keep,
      ending: new Set(pods.filter(({ metadata }) => metadata.deletionTimestamp).map(uidOf)),
    },
    now,
  );
}
