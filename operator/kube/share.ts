/**
 * `next`, with what it has in common with `like` in memory only once: where a part, or a text, of both is equal, that of
 * `like` takes its place. Revisions of a service and runs of a job differ in little, and are kept by the thousand.
 * @param next is changed, and must not be referenced elsewhere; parts of both are shared afterwards, so neither may be changed.
 * @returns `like` itself where all is equal.
 */
export function shared<T>(next: T, like: unknown): T {
  return share(next, like) as T;
}

function share(next: unknown, like: unknown): unknown {
  if (next === like) return like;
  if (typeof next !== 'object' || typeof like !== 'object' || next === null || like === null) return next;
  if (Array.isArray(next)) return Array.isArray(like) ? shareItems(next, like) : next;
  return Array.isArray(like) ? next : shareFields(next as Fields, like as Fields);
}

type Fields = Record<string, unknown>;

function shareItems(next: unknown[], like: readonly unknown[]): readonly unknown[] {
  let same = next.length === like.length;
  for (let i = 0; i < next.length; i++) {
    next[i] = share(next[i], like[i]);
    if (next[i] !== like[i]) same = false;
  }
  return same ? like : next;
}

function shareFields(next: Fields, like: Fields): Fields {
  const keys = Object.keys(next);
  let same = keys.length === Object.keys(like).length;
  for (const key of keys) {
    if (!Object.hasOwn(like, key)) {
      same = false;
      continue;
    }
    next[key] = share(next[key], like[key]);
    if (next[key] !== like[key]) same = false;
  }
  return same ? like : next;
}
