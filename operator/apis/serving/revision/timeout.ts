import type { Revision } from './types.ts';

/** Seconds that a request may take when nobody says otherwise (API reference, RevisionSpec: timeoutSeconds). */
export const DEFAULT_TIMEOUT_SECONDS = 300;

/** How long a request of a revision may last, in ms; a stored Revision has its default filled in. */
export function timeoutMs({ spec }: Revision): number {
  return (spec.timeoutSeconds || DEFAULT_TIMEOUT_SECONDS) * 1000;
}
