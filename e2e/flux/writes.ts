import { request } from 'undici';
import type { ApiServer } from '../../operator/testing/apiServer.ts';

const WRITTEN = /^apiserver_request_total\{(.*)\} (\S+)$/gm;

/**
 * How often an API server has written the objects that are in Git, by group and resource. Dry runs and
 * subresources, which are status and scale, do not count.
 */
export async function writesIn({ connection }: ApiServer): Promise<Record<string, number>> {
  const { server, dispatcher } = connection;
  const text = await (await request(`${server}/metrics`, { dispatcher })).body.text();
  const counts: Record<string, number> = {};
  for (const [, series = '', count] of text.matchAll(WRITTEN)) {
    const labels = Object.fromEntries(
      [...series.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, value]) => [key, value]),
    );
    const isRead = ['GET', 'LIST', 'WATCH'].includes(labels.verb ?? '');
    if (isRead || labels.dry_run || labels.subresource) continue;
    const resource = `${labels.resource}.${labels.group}`;
    if (!/^(services\.serving|(jobs|workerpools)\.run)\./.test(resource)) continue;
    counts[resource] = (counts[resource] ?? 0) + Number(count);
  }
  return counts;
}
