/**
 * Key of a domain mapping among all that claim hosts, apart from the keys of routes. Of two that are equally old, the
 * first by this key has the host, in the gateways and in the status.
 * @param key its `namespace/name`.
 */
export function claimOf(key: string): string {
  return `domainmappings/${key}`;
}
