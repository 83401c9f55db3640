import { formatted } from '../../apis/fieldError.ts';
import { invalidFields } from '../errors.ts';

/** The host of Cloud Run's own API, which clients ask that are led here by a proxy. */
const GOOGLE_HOST = 'run.googleapis.com';

/**
 * The region that a client asks, by the host of its request: `REGION-HOST` is a region's, `HOST` is global (Cloud Run
 * Admin API, Service endpoints). Undefined for the global host and for hosts that say nothing of a region, such as an
 * address.
 * @param host the header Host or `:authority`, with or without a port.
 * @param ownHost host name of this API besides Google's; empty when it has none.
 */
export function regionOfHost(host: string | undefined, ownHost: string): string | undefined {
  const name = (host ?? '').toLowerCase().replace(/:\d+$/, '');
  for (const base of [GOOGLE_HOST, ownHost]) {
    if (base === '' || !name.endsWith(`-${base}`)) continue;
    return name.slice(0, -base.length - 1);
  }
  return undefined;
}

/** The host names that a certificate of this API is for, besides those of its core Service. */
export function servedHosts(ownHost: string, region: string): string[] {
  const own = ownHost === '' ? [] : [ownHost, `${region}-${ownHost}`];
  // Clients that a proxy leads here ask all of Google's APIs.
  return [...own, '*.googleapis.com', 'localhost', '127.0.0.1'];
}

/** What decides which regions are served. */
export interface RegionConfig {
  api: { host: string };
  metadata: { region: string };
}

/**
 * @param location the region in the path, where it has one; `-` is all regions.
 * @throws {ApiError} INVALID_ARGUMENT when host or path name another region than the cluster's.
 */
export function checkRegion(
  host: string | undefined,
  location: string | undefined,
  { api, metadata }: RegionConfig,
): void {
  const named = [regionOfHost(host, api.host), location === '-' ? undefined : location];
  const wrong = named.find((region) => region !== undefined && region !== metadata.region);
  if (wrong === undefined) return;
  throw invalidFields([
    { field: 'location', description: `is ${formatted(wrong)}; it must be ${metadata.region}` },
  ]);
}
