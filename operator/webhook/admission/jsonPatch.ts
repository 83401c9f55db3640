/** An operation of a JSON patch (RFC 6902); admission needs no others. */
export type PatchOperation =
  | { op: 'add' | 'replace'; path: string; value: unknown }
  | { op: 'remove'; path: string };

type Json = Record<string, unknown>;

/**
 * The shortest patch that turns `from` into `to`: only differences are in it, so that all other fields stay as they were
 * written. A list that changes its length is replaced as a whole. undefined counts as absent.
 */
export function patchBetween(from: unknown, to: unknown, path = ''): PatchOperation[] {
  if (from === to) return [];
  if (isMap(from) && isMap(to)) return betweenMaps(from, to, path);
  if (Array.isArray(from) && Array.isArray(to) && from.length === to.length) {
    return to.flatMap((item, index) => patchBetween(from[index], item, `${path}/${index}`));
  }
  return [{ op: 'replace', path, value: to }];
}

function betweenMaps(from: Json, to: Json, path: string): PatchOperation[] {
  const operations: PatchOperation[] = [];
  // A map may have thousands of keys, most of them unchanged: no entries are made of those, and nothing is escaped.
  for (const key of Object.keys(to)) {
    const value = to[key];
    if (value === undefined || (value === from[key] && Object.hasOwn(from, key))) continue;
    const where = `${path}/${escaped(key)}`;
    if (ownValue(from, key) === undefined) operations.push({ op: 'add', path: where, value });
    else operations.push(...patchBetween(from[key], value, where));
  }
  for (const key of Object.keys(from)) {
    if (from[key] !== undefined && ownValue(to, key) === undefined) {
      operations.push({ op: 'remove', path: `${path}/${escaped(key)}` });
    }
  }
  return operations;
}

/** The map's own value: a label may have the key `toString`. */
function ownValue(map: Json, key: string): unknown {
  return Object.hasOwn(map, key) ? map[key] : undefined;
}

function isMap(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A key, escaped for a JSON pointer (RFC 6901). */
function escaped(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}
