import assert from 'node:assert/strict';
import { ACCESS } from '../../apis/annotations/run/access.ts';
import type { DomainMapping } from '../../apis/domains/domainMapping/types.ts';
import { VISIBILITY } from '../../apis/labels.ts';
import type { Route } from '../../apis/serving/route/types.ts';
import { domainMapping } from '../../testing/domains.ts';
import { route } from '../../testing/serving.ts';
import { compileMapping } from './compile.ts';
import { Domains } from './domains.ts';
import { RouteTable } from './routeTable.ts';

const KEY = 'demo/www.example.com';

function serving(revision: string, metadata: Partial<Route['metadata']> = {}): Route {
  const traffic = [
    { revisionName: revision, percent: 100 },
    { revisionName: 'hello-9', tag: 'v1' },
  ];
  const made = route();
  return { ...made, metadata: { ...made.metadata, ...metadata }, status: { traffic } };
}

function mapped(namespace = 'demo', at = '2026-01-01T00:00:00Z', mappedRouteName?: string): DomainMapping {
  const mapping = domainMapping('www.example.com', {}, { namespace, creationTimestamp: at });
  return { ...mapping, status: { mappedRouteName: mappedRouteName ?? 'hello' } };
}

describe('compileMapping', () => {
  const cases: Record<string, { reason: string; metadata?: Partial<Route['metadata']>; want: string }> = {
    'a service for all': { reason: 'the domain is for all too', want: 'all' },
    'a service whose URL is disabled': {
      reason: 'its domains are then the way to it from outside',
      metadata: { annotations: { [ACCESS.defaultUrlDisabled.key]: 'true' } },
      want: 'all',
    },
    'a service with ingress internal': {
      reason: 'a domain opens nothing',
      metadata: { annotations: { [ACCESS.ingress.key]: 'internal' } },
      want: 'internal',
    },
    'a cluster-local service': {
      reason: 'a domain opens nothing',
      metadata: { labels: { [VISIBILITY]: 'cluster-local' } },
      want: 'internal',
    },
    'a service with ingress none': {
      reason: 'nobody reaches it',
      metadata: { annotations: { [ACCESS.ingress.key]: 'none' } },
      want: 'none',
    },
  };
  for (const [name, { reason, metadata, want }] of Object.entries(cases)) {
    it(`${name}: ${reason}`, () => {
      const { hosts, internalOnly } = compileMapping(mapped(), serving('hello-1', metadata));
      assert.equal(hosts.size === 0 ? 'none' : internalOnly ? 'internal' : 'all', want);
    });
  }

  it('serves the service and none of its tags', () => {
    const { hosts } = compileMapping(mapped(), serving('hello-1'));
    assert.deepEqual([...hosts], [['www.example.com', [{ revision: 'demo/hello-1', percent: 100 }]]]);
  });
});

describe('Domains', () => {
  let routes: Map<string, Route>;
  let table: RouteTable;
  let domains: Domains;
  beforeEach(() => {
    routes = new Map([['demo/hello', serving('hello-1')]]);
    table = new RouteTable();
    domains = new Domains(table, (key) => routes.get(key));
  });
  const served = () =>
    table.snapshot().hosts.map(([host, entry]) => [host, entry?.targets.map(({ revision }) => revision)]);
  const served1 = [['www.example.com', ['demo/hello-1']]];

  it('serves a domain as long as its mapping names a route', () => {
    domains.setMapping(KEY, domainMapping());
    assert.deepEqual(served(), [], 'it has no status yet');
    domains.setMapping(KEY, mapped());
    assert.deepEqual(served(), served1);
    domains.setMapping(KEY, domainMapping());
    assert.deepEqual(served(), []);
  });

  it('follows the route, whichever of the two is known first', () => {
    routes.clear();
    domains.setMapping(KEY, mapped());
    assert.deepEqual(served(), []);
    routes.set('demo/hello', serving('hello-1'));
    domains.routeChanged('demo/hello');
    assert.deepEqual(served(), served1);
    routes.set('demo/hello', serving('hello-2'));
    domains.routeChanged('demo/hello');
    assert.deepEqual(served(), [['www.example.com', ['demo/hello-2']]]);
    routes.clear();
    domains.routeChanged('demo/hello');
    assert.deepEqual(served(), []);
  });

  it('follows a mapping to another route, and no longer the first', () => {
    routes.set('demo/other', serving('other-1'));
    domains.setMapping(KEY, mapped());
    domains.setMapping(KEY, mapped('demo', undefined, 'other'));
    routes.set('demo/hello', serving('hello-2'));
    domains.routeChanged('demo/hello');
    assert.deepEqual(served(), [['www.example.com', ['demo/other-1']]]);
  });

  it('leaves a domain with the older of two mappings, and ends with the mapping', () => {
    routes.set('older/hello', serving('older-1', { namespace: 'older' }));
    domains.setMapping(KEY, mapped('demo', '2026-01-02T00:00:00Z'));
    domains.setMapping('older/www.example.com', mapped('older', '2026-01-01T00:00:00Z'));
    assert.deepEqual(served(), [['www.example.com', ['older/older-1']]]);
    domains.setMapping('older/www.example.com', undefined);
    assert.deepEqual(served(), served1);
    domains.setMapping(KEY, undefined);
    assert.deepEqual(served(), []);
  });
});
