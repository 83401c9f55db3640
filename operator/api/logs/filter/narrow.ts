import { canonicalTime } from '../time.ts';
import type { Filter } from './parse.ts';

/** What every entry that passes a filter has. */
export interface Narrowing {
  /** The only value of fields, by path with dots, such as `resource.labels.service_name`. */
  equal: ReadonlyMap<string, string>;
  /** Canonical times, both inclusive. */
  from?: string;
  to?: string;
}

/** Narrows by the comparisons that stand in the outermost AND. It may let too much through, never too little. */
export function narrow(filter: Filter | undefined): Narrowing {
  const equal = new Map<string, string>();
  let from: string | undefined;
  let to: string | undefined;
  for (const part of conjuncts(filter)) {
    if (!('path' in part)) continue;
    const { path, operator, value } = part;
    if (path[0] === 'timestamp') {
      const time = canonicalTime(value);
      if (time === undefined) continue;
      if (['>', '>=', '='].includes(operator) && !(from !== undefined && from > time)) from = time;
      if (['<', '<=', '='].includes(operator) && !(to !== undefined && to < time)) to = time;
    } else if (operator === '=') equal.set(path.join('.'), value);
  }
  return { equal, from, to };
}

function conjuncts(filter: Filter | undefined): Filter[] {
  if (!filter) return [];
  return 'all' in filter ? filter.all.flatMap(conjuncts) : [filter];
}
