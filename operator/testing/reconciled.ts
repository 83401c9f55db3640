import { reconciles } from '../telemetry/metrics.ts';

/** Reconciles that have ended in this process, by controller. */
export async function reconciledBy(): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const { labels, value } of (await reconciles.get()).values) {
    const name = String(labels.controller);
    counts.set(name, (counts.get(name) ?? 0) + value);
  }
  return counts;
}

/** How many reconciles of a controller have ended in this process. */
export async function reconciled(controller: string): Promise<number> {
  return (await reconciledBy()).get(controller) ?? 0;
}
