import { deepEqual, isSubset } from '../kube/json.ts';

/**
 * A part of an object with its defaults filled in, and nothing moved that need not be:
 *
 * - what is sent back as it is stored stays as it is, so that objects from before an upgrade of Homerun get no new
 *   revision from a change of their labels or traffic;
 * - what repeats a part of what is stored, be it in another notation, and means the same by today's defaults, is taken
 *   for it: applying one YAML again never makes a revision, even after an upgrade that knows more defaults, and neither
 *   does a client that rewrites quantities;
 * - anything else is new, and gets today's defaults.
 *
 * @param replaces whether there is an earlier state; `previous` alone does not say so where the part may be missing.
 * @param canonical the part in the one notation in which two that mean the same are the same.
 */
export function keepStored<T>(
  next: T,
  previous: T | undefined,
  fill: (part: T) => T,
  replaces: unknown = previous,
  canonical: (part: T) => T = (part) => part,
): T {
  if (replaces === undefined) return fill(next);
  if (deepEqual(next, previous)) return next;
  const filled = fill(next);
  if (previous === undefined || !isSubset(canonical(next), canonical(previous))) return filled;
  return deepEqual(canonical(filled), canonical(fill(previous))) ? previous : filled;
}
