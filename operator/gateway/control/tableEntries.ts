import type { RevisionEntry, TableUpdate, Target } from '../shared/messages.ts';
import type { CompiledRoute } from './compile.ts';

/** Requests must not go to an instance that is about to be removed when another is added. */
export function removedFirst(instances: TableUpdate['instances']): TableUpdate['instances'] {
  return instances.sort(([, a], [, b]) => Number(a !== undefined) - Number(b !== undefined));
}

export function sameEntry(a: RevisionEntry, b: RevisionEntry): boolean {
  return (
    a.limit === b.limit &&
    a.timeoutMs === b.timeoutMs &&
    a.protocol === b.protocol &&
    a.queueLimitMs === b.queueLimitMs &&
    a.stopped === b.stopped &&
    a.failing === b.failing &&
    a.affinity === b.affinity &&
    a.placement === b.placement
  );
}

export function sameRoute(a: CompiledRoute, b: CompiledRoute): boolean {
  const stopped = (route: CompiledRoute) => [...(route.stopped ?? [])].join();
  return (
    a.internalOnly === b.internalOnly &&
    stopped(a) === stopped(b) &&
    JSON.stringify(a.invokers) === JSON.stringify(b.invokers) &&
    sameHosts(a.hosts, b.hosts)
  );
}

function sameHosts(a: Map<string, Target[]>, b: Map<string, Target[]>): boolean {
  if (a.size !== b.size) return false;
  for (const [host, targets] of a) {
    const others = b.get(host);
    if (others?.length !== targets.length) return false;
    const same = targets.every(
      (target, i) => target.revision === others[i]?.revision && target.percent === others[i]?.percent,
    );
    if (!same) return false;
  }
  return true;
}
