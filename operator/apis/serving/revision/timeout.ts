import type { Revision } from './types.ts';

/** Default request timeout in seconds (API reference, RevisionSpec: timeoutSeconds). */
export const DEFAULT_TIMEOUT_SECONDS = 300;

/** Request timeout of a revision in ms. */
export function timeoutMs({ spec }: Revision): number {
  return (spec.timeoutSeconds || DEFAULT_TIMEOUT_SECONDS) * 1000;
}
