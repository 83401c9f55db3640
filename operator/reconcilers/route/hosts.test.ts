import assert from 'node:assert/strict';
import type { Route } from '../../apis/serving/route/types.ts';
import { parseConfig } from '../../config.ts';
import { domainMapping } from '../../testing/domains.ts';
import { EPOCH, route } from '../../testing/serving.ts';
import { type Holder, holderOfMapping, holderOfRoute, hostsOfRoute, OWN, takenHosts } from './hosts.ts';

const config = parseConfig({ domain: 'example.com' });

interface Options {
  tag?: string;
  /** Seconds after the first. */
  madeAt?: number;
  /** Whether its status says that it serves; a tag has to be there as well. */
  serves?: boolean;
  namespace?: string;
}

function made(name: string, { tag, madeAt = 0, serves = false, namespace = 'demo' }: Options): Route {
  const traffic = [{ revisionName: 'r', percent: 100 }, ...(tag ? [{ revisionName: 'r', tag }] : [])];
  const { metadata, ...rest } = route(name, traffic);
  const creationTimestamp = new Date(EPOCH + madeAt * 1000).toISOString();
  return {
    ...rest,
    metadata: { ...metadata, namespace, creationTimestamp },
    ...(serves ? { status: { traffic } } : {}),
  } as Route;
}

const CASES: Record<
  string,
  { reason: string; of: Route; rival: Route; template?: string; want: [tag: string, host: string][] }
> = {
  'a service beside the tag of another': {
    reason: 'the tag was there before',
    of: made('v1---echo', { madeAt: 1 }),
    rival: made('echo', { tag: 'v1', serves: true }),
    want: [[OWN, 'v1---echo.demo.example.com']],
  },
  'a tag beside a service': {
    reason: 'the service was there before',
    of: made('echo', { tag: 'v1', madeAt: 1 }),
    rival: made('v1---echo', { serves: true }),
    want: [['v1', 'v1---echo.demo.example.com']],
  },
  'a tag of an older service beside a service that serves': {
    reason: 'the route that has a host keeps it, whichever is older',
    of: made('echo', { tag: 'v1' }),
    rival: made('v1---echo', { madeAt: 1, serves: true }),
    want: [['v1', 'v1---echo.demo.example.com']],
  },
  'two that have it': {
    reason: 'they came at once: the older one has it in the gateways too',
    of: made('v1---echo', { madeAt: 1, serves: true }),
    rival: made('echo', { tag: 'v1', serves: true }),
    want: [[OWN, 'v1---echo.demo.example.com']],
  },
  'the older of two that have it': {
    reason: 'nothing is taken from it',
    of: made('echo', { tag: 'v1', serves: true }),
    rival: made('v1---echo', { madeAt: 1, serves: true }),
    want: [],
  },
  'one that only asks': {
    reason: 'it has nothing yet',
    of: made('echo', { tag: 'v1', madeAt: 1 }),
    rival: made('v1---echo', {}),
    want: [],
  },
  'two namespaces in one host name': {
    reason: 'the template of the URLs joins them',
    of: made('a', { namespace: 'b-c', madeAt: 1 }),
    rival: made('a-b', { namespace: 'c', serves: true }),
    template: '{tag---}{service}-{namespace}.{domain}',
    want: [[OWN, 'a-b-c.example.com']],
  },
};

describe('takenHosts', () => {
  for (const [name, { reason, of, rival, template, want }] of Object.entries(CASES)) {
    it(`${name}: ${reason}`, () => {
      const urls = template ? parseConfig({ domain: 'example.com', urlTemplate: template }) : config;
      const shared = hostsOfRoute(urls)(of).filter((host) => hostsOfRoute(urls)(rival).includes(host));
      assert.ok(shared.length > 0, 'the index brings them together');
      const taken = takenHosts(of, [holderOfRoute(rival, urls)], urls);
      assert.deepEqual(
        [...taken].map(([tag, { host, by }]) => [tag, host, by]),
        want.map(([tag, host]) => [
          tag,
          host,
          `service '${rival.metadata.namespace}/${rival.metadata.name}'`,
        ]),
      );
    });
  }

  it('a service whose URL is a mapped domain: who has it keeps it, and of two that have it the older one does', () => {
    const host = 'echo.demo.example.com';
    const mapping = (madeAt: number, mappedRouteName?: string) =>
      holderOfMapping({
        ...domainMapping(host, {}, { creationTimestamp: new Date(EPOCH + madeAt * 1000).toISOString() }),
        status: { mappedRouteName },
      });
    const taken = (of: Route, holder: Holder) => takenHosts(of, [holder], config).get(OWN)?.by;
    const by = `domain mapping 'demo/${host}'`;
    assert.equal(taken(made('echo', {}), mapping(1, 'hello')), by);
    assert.equal(taken(made('echo', { madeAt: 1 }), mapping(0)), undefined, 'it only asks');
    assert.equal(taken(made('echo', { serves: true }), mapping(1, 'hello')), undefined);
    assert.equal(taken(made('echo', { serves: true, madeAt: 1 }), mapping(0, 'hello')), by);
  });
});
