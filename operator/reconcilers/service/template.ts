/** Maps that say nothing when they are empty; an empty `emptyDir` or `tcpSocket` says something. */
const PLAIN_MAPS: ReadonlySet<string> = new Set([
  'annotations',
  'labels',
  'limits',
  'metadata',
  'nodeSelector',
  'requests',
  'resources',
  'securityContext',
]);

/**
 * A template without lists and maps that are empty and say nothing. Where one that had entries is applied without any, the
 * API server stores null for it and refuses its own result (server-side apply, structured-merge-diff).
 */
export function withoutEmpty<T>(template: T): T {
  return pruned(template) as T;
}

function pruned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(pruned);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).map(([key, inner]) => [key, pruned(inner)] as const);
  return Object.fromEntries(fields.filter(([key, inner]) => !saysNothing(key, inner)));
}

function saysNothing(key: string, value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  if (!PLAIN_MAPS.has(key) || typeof value !== 'object' || value === null) return false;
  return Object.keys(value).length === 0;
}
