import { at, brief, type FieldError } from '../../apis/fieldError.ts';

/** Deeper than any field of ours, and than what the API server itself writes into managedFields. */
const DEEPEST = 64;
/** Twenty containers with everything that their schema lets them have are 80,000 values. */
const MOST_VALUES = 100_000;
/** Most keys of one map. Those with keys of the client's own are labels, annotations and the like. */
export const MOST_KEYS = 10_000;
/** All keys and values of annotations together (Kubernetes, Annotations: 256 KiB). */
const MOST_ANNOTATION_BYTES = 262_144;

/**
 * What makes an object too deep or too large to be read to its end; undefined for any that an API server could store
 * and a person could mean. Everything after it may follow the object down, and go through it more than once. Pure.
 */
export function excessOf(object: unknown): Excess | undefined {
  const search: Search = { left: MOST_VALUES, trail: [], wide: false };
  const message = walk(object, 0, search) ?? annotationExcess(object, search);
  if (message === undefined) return undefined;
  return { path: pathOf(search.trail), message, wide: search.wide };
}

export interface Excess extends FieldError {
  /** A map has so many keys that nobody should list them twice: that alone takes a while. */
  wide: boolean;
}

interface Search {
  /** How many values may still be looked at. */
  left: number;
  /** The way back from what is found, the last key or index first. */
  trail: (string | number)[];
  wide: boolean;
}

/** As deep as our own fields lie, and enough of a path to find the place. */
const DEEPEST_TOLD = 10;

function pathOf(trail: readonly (string | number)[]): string {
  const way = trail.toReversed().slice(0, DEEPEST_TOLD);
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
    // Nobody knows how many they were: those that follow the first one too many are not even read (narrow.ts).
    return `has more than ${MOST_KEYS} keys; it may have at most ${MOST_KEYS}`;
  }
  // The spec before the metadata: managedFields repeat its keys, and say nothing to a person.
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
