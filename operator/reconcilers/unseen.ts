import type { KubeClient } from '../kube/client.ts';
import type { Store } from '../kube/store.ts';
import { type KubeObject, type ResourceType, refOf } from '../kube/types.ts';

/**
 * Objects that the API server has and the store lacks: each kind comes by a watch of its own, and one that lags has not
 * brought yet what an object of another kind names already. To be asked for what would be a failure if it were not there.
 * @param keys `namespace/name`.
 * @param isMeant whether one in the store is what is looked for, and not an earlier one of its name.
 */
export async function unseen<T extends KubeObject>(
  keys: readonly string[],
  store: Store<T>,
  type: ResourceType<T>,
  client: Pick<KubeClient, 'get'>,
  isMeant: (object: T) => boolean = () => true,
): Promise<T[]> {
  const lacking = keys.filter((key) => {
    const object = store.get(key);
    return !object || !isMeant(object);
  });
  const found = await Promise.all(lacking.map((key) => client.get(type, refOf(key))));
  return found.filter((object) => object !== undefined);
}
