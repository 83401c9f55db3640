/** The cookie of session affinity. Cloud Run's documents do not name it; it is the one that Google's frontends set. */
export const AFFINITY_COOKIE = 'GAESA';

/** Lengths of the two parts of its value: 12 bytes that stand for the revision, 18 bytes for the instance; base64url. */
export const REVISION_CHARS = 16;
export const INSTANCE_CHARS = 24;

/** How long clients keep it (Cloud Run, Session affinity: 30 days). */
export const AFFINITY_SECONDS = 30 * 24 * 60 * 60;
