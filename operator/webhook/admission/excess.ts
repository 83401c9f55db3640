import { at, brief, type FieldError } from '../../apis/fieldError.ts';
import { CROWD } from './size.ts';

/** Deeper than any of our fields and than the managedFields of the API server. */
const DEEPEST = 64;
/** Twenty containers with every field that their schema allows have 80,000 values. */
export const MOST_VALUES = 100_000;
/** Maximum number of keys of one map, such as labels and annotations. */
export const MOST_KEYS = 10_000;
/**
 * Maximum number of different keys of an object: those of one map, and the names of all declared fields. managedFields
 * repeat each label and annotation with a prefix, so there may be almost 6,000 of those.
 */
export const MOST_DIFFERENT_KEYS = 12_000;
/** Maximum number of keys of an object that follow a thousand others in their map: enough for two maps at their limit. */
export const MOST_CROWDED_KEYS = 20_000;
/** Maximum total size of annotations (Kubernetes, Annotations: 256 KiB). */
const MOST_ANNOTATION_BYTES = 262_144;

/**
 * The error of an object that is too deep or too large to process; undefined for any object that is reasonable. Code
 * that runs after this check may recurse into the object and traverse it several times. Pure.
 */
export function excessOf(object: unknown): Excess | undefined {
  const search: Search = {
    left: MOST_VALUES,
    keys: new Set(),
    crowdedKeys: 0,
    trail: [],
    wide: false,
    cut: false,
  };
  const message = walk(object, 0, search) ?? annotationExcess(object, search);
  if (message === undefined) return undefined;
  const { wide, cut } = search;
  return { path: pathOf(cut ? wayToEnd(object) : search.trail.toReversed()), message, large: wide || cut };
}

export interface Excess extends FieldError {
  /** There is so much that reading it again would take too long, and narrow.ts has cut what exceeds. */
  large: boolean;
}

/** A key of a map or an index of a list. */
type Step = string | number;

interface Search {
  /** How many values may still be visited. */
  left: number;
  /** The keys of all maps that have been visited. */
  keys: Set<string>;
  crowdedKeys: number;
  /** Steps from the error up to the root. */
  trail: Step[];
  /** One map has too many keys. */
  wide: boolean;
  /** The object as a whole is too large: it ends where narrow.ts has cut it. */
  cut: boolean;
}

/** Maximum length of a reported path: the depth of our own fields. */
const LONGEST_PATH = 10;
/** Characters of a key in a reported path. */
const LONGEST_KEY = 40;

function pathOf(way: readonly Step[]): string {
  return way.slice(0, LONGEST_PATH).reduce<string>((path, step) => {
    if (typeof step === 'number') return at(path, step);
    return path === '' ? step : `${path}.${step}`;
  }, '');
}

function walk(value: unknown, level: number, search: Search): string | undefined {
  if (--search.left < 0) return tooLarge(search, `${MOST_VALUES} values`);
  if (typeof value !== 'object' || value === null) return undefined;
  if (level >= DEEPEST) return `is nested more than ${DEEPEST} levels deep`;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const found = walk(value[i], level + 1, search);
      if (found === undefined) continue;
      search.trail.push(i);
      return found;
    }
    return undefined;
  }
  const keys = Object.keys(value);
  if (keys.length > MOST_KEYS) {
    search.wide = true;
    // The actual number is unknown: narrow.ts drops the keys that exceed the limit before parsing.
    return `has more than ${MOST_KEYS} keys; it may have at most ${MOST_KEYS}`;
  }
  search.crowdedKeys += Math.max(0, keys.length - CROWD);
  if (search.crowdedKeys > MOST_CROWDED_KEYS) {
    return tooLarge(search, `${MOST_CROWDED_KEYS} keys in maps of more than ${CROWD}`);
  }
  // The spec before the metadata: managedFields repeat its keys, and their paths would not help users.
  if (level === 0) keys.reverse();
  for (const key of keys) {
    search.keys.add(key);
    if (search.keys.size > MOST_DIFFERENT_KEYS)
      return tooLarge(search, `${MOST_DIFFERENT_KEYS} different keys`);
    const found = walk((value as Record<string, unknown>)[key], level + 1, search);
    if (found === undefined) continue;
    search.trail.push(brief(key, LONGEST_KEY));
    return found;
  }
  return undefined;
}

function tooLarge(search: Search, most: string): string {
  search.cut = true;
  return `is too large: the object has more than ${most}`;
}

/** The steps from the root to the last value: that is where narrow.ts has cut an object with too many values. */
function wayToEnd(object: unknown): Step[] {
  const way: Step[] = [];
  let value = object;
  while (typeof value === 'object' && value !== null && way.length < LONGEST_PATH) {
    const last = Array.isArray(value) ? value.length - 1 : (Object.keys(value).at(-1) ?? -1);
    if (last === -1) break;
    way.push(typeof last === 'number' ? last : brief(last, LONGEST_KEY));
    value = (value as Record<Step, unknown>)[last];
  }
  return way;
}

function annotationExcess(object: unknown, { trail }: Search): string | undefined {
  const { metadata } = (object ?? {}) as { metadata?: { annotations?: unknown } | null };
  const annotations = metadata?.annotations;
  if (typeof annotations !== 'object' || annotations === null) return undefined;
  let size = 0;
  // There may be thousands: entries would take three times as long as keys.
  for (const key of Object.keys(annotations)) {
    const value = (annotations as Record<string, unknown>)[key];
    size += Buffer.byteLength(key) + (typeof value === 'string' ? Buffer.byteLength(value) : 0);
  }
  if (size <= MOST_ANNOTATION_BYTES) return undefined;
  trail.push('annotations', 'metadata');
  return `has ${size} bytes of keys and values; it may have at most ${MOST_ANNOTATION_BYTES}`;
}
