import { at, brief, type FieldError } from '../../apis/fieldError.ts';

/** Deeper than any of our fields and than the managedFields of the API server. */
const DEEPEST = 64;
/** Twenty containers with every field that their schema allows have 80,000 values. */
const MOST_VALUES = 100_000;
/** Maximum number of keys of one map, such as labels and annotations. */
export const MOST_KEYS = 10_000;
/** Maximum total size of annotations (Kubernetes, Annotations: 256 KiB). */
const MOST_ANNOTATION_BYTES = 262_144;

/**
 * The error of an object that is too deep or too large to process; undefined for any object that is reasonable. Code
 * that runs after this check may recurse into the object and traverse it several times. Pure.
 */
export function excessOf(object: unknown): Excess | undefined {
  const search: Search = { left: MOST_VALUES, trail: [], wide: false };
  const message = walk(object, 0, search) ?? annotationExcess(object, search);
  if (message === undefined) return undefined;
  return { path: pathOf(search.trail), message, wide: search.wide };
}

export interface Excess extends FieldError {
  /** A map has so many keys that listing them again would take too long. */
  wide: boolean;
}

interface Search {
  /** How many values may still be visited. */
  left: number;
  /** Keys and indexes from the error up to the root. */
  trail: (string | number)[];
  wide: boolean;
}

/** Maximum length of a reported path: the depth of our own fields. */
const LONGEST_PATH = 10;

function pathOf(trail: readonly (string | number)[]): string {
  const way = trail.toReversed().slice(0, LONGEST_PATH);
  return way.reduce<string>((path, step) => {
    if (typeof step === 'number') return at(path, step);
    return path === '' ? step : `${path}.${step}`;
  }, '');
}

function walk(value: unknown, level: number, search: Search): string | undefined {
  if (--search.left < 0) return `is too large: the object has more than ${MOST_VALUES} values`;
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
  // The spec before the metadata: managedFields repeat its keys, and their paths would not help users.
  if (level === 0) keys.reverse();
  for (const key of keys) {
    const found = walk((value as Record<string, unknown>)[key], level + 1, search);
    if (found === undefined) continue;
    search.trail.push(brief(key, 40));
    return found;
  }
  return undefined;
}

function annotationExcess(object: unknown, { trail }: Search): string | undefined {
  const { metadata } = (object ?? {}) as { metadata?: { annotations?: unknown } | null };
  const annotations = metadata?.annotations;
  if (typeof annotations !== 'object' || annotations === null) return undefined;
  let size = 0;
  for (const [key, value] of Object.entries(annotations)) {
    size += Buffer.byteLength(key) + (typeof value === 'string' ? Buffer.byteLength(value) : 0);
  }
  if (size <= MOST_ANNOTATION_BYTES) return undefined;
  trail.push('annotations', 'metadata');
  return `has ${size} bytes of keys and values; it may have at most ${MOST_ANNOTATION_BYTES}`;
}
