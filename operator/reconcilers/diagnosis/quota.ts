import { parseQuantity } from '../../apis/quantity.ts';
import type { ResourceQuota } from '../../kube/core.ts';

/** What a quota had no room for. */
export interface Shortage {
  /** Name of the ResourceQuota. */
  quota: string;
  /** What one pod takes of it. */
  requested: Readonly<Record<string, string>>;
}

/** How the API server's admission says it (k8s.io/apiserver, resourcequota: `exceeded quota`). */
const EXCEEDED = /exceeded quota: ([^\s,]+), requested: (.+?), used: /;

/** Which quota a pod was rejected for; undefined when it was rejected for something else, or in other words. */
export function shortageOf(message: string): Shortage | undefined {
  const [, quota, list] = EXCEEDED.exec(message) ?? [];
  if (!quota || !list) return undefined;
  const requested = Object.fromEntries(list.split(',').map((item) => item.split('=', 2)));
  return { quota, requested };
}

/** Whether a quota has room for what it had none for; what cannot be compared is left to the API server. */
export function hasRoom({ requested }: Shortage, { status }: ResourceQuota): boolean {
  const { hard = {}, used = {} } = status ?? {};
  return Object.entries(requested).every(([resource, amount]) => {
    const limit = hard[resource];
    if (limit === undefined) return true;
    try {
      return parseQuantity(used[resource] ?? 0) + parseQuantity(amount) <= parseQuantity(limit);
    } catch {
      return true;
    }
  });
}
