/** The field manager of what the Admin API writes (Kubernetes, Server-Side Apply). */
export const FIELD_MANAGER = 'homerun-api';
