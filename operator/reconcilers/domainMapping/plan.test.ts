import assert from 'node:assert/strict';
import { type Condition, conditionOf } from '../../apis/condition.ts';
import type { DomainMapping } from '../../apis/domains/domainMapping/types.ts';
import type { Route } from '../../apis/serving/route/types.ts';
import type { Service } from '../../apis/serving/service/types.ts';
import { parseConfig } from '../../config.ts';
import { domainMapping } from '../../testing/domains.ts';
import { EPOCH, route, service } from '../../testing/serving.ts';
import { planDomainMapping } from './plan.ts';

const config = parseConfig({ domain: 'run.example.com' });
const serving: Route = { ...route(), status: { traffic: [{ revisionName: 'hello-1', percent: 100 }] } };

interface Case {
  reason: string;
  mapping?: DomainMapping;
  route?: Route;
  service?: Service;
  takenBy?: string;
  mapped?: string;
  routable: [status: string, reason?: string];
  message?: RegExp;
  ready: string;
}

const CASES: Record<string, Case> = {
  'a service that serves': {
    reason: 'requests for the domain reach it',
    route: serving,
    mapped: 'hello',
    routable: ['True'],
    ready: 'True',
  },
  'no service': {
    reason: 'it is mapped once it is made',
    routable: ['False', 'RouteMissing'],
    message: /^Service 'hello' does not exist in this namespace\.$/,
    ready: 'False',
  },
  'a service whose route is still to be made': {
    reason: 'nothing is wrong yet',
    service: service(),
    routable: ['Unknown', 'RouteNotReady'],
    message: /^Service 'hello' is being created\.$/,
    ready: 'Unknown',
  },
  'a service that is going': {
    reason: 'another service of its name is another one',
    route: { ...serving, metadata: { ...serving.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } },
    routable: ['False', 'RouteMissing'],
    ready: 'False',
  },
  'a service that starts': {
    reason: 'nothing is wrong yet',
    route: route(),
    routable: ['Unknown', 'RouteNotReady'],
    ready: 'Unknown',
  },
  'a service of which only a tag serves': {
    reason: 'a domain is mapped to the service itself',
    route: { ...serving, status: { traffic: [{ revisionName: 'hello-1', tag: 'v1', percent: 0 }] } },
    routable: ['Unknown', 'RouteNotReady'],
    ready: 'Unknown',
  },
  'a domain of another': {
    reason: 'who has it keeps it',
    route: serving,
    takenBy: "domain mapping 'other/www.example.com'",
    routable: ['False', 'HostTaken'],
    message:
      /^Domain 'www\.example\.com' belongs to domain mapping 'other\/www\.example\.com', which had it before\.$/,
    ready: 'False',
  },
  'a name inside the cluster': {
    reason: 'requests from inside would go to another service than they name',
    mapping: domainMapping('hello.other.svc.cluster.local'),
    route: serving,
    routable: ['False', 'HostReserved'],
    ready: 'False',
  },
  'a URL of another namespace': {
    reason: 'its service may come later',
    mapping: domainMapping('shop.other.run.example.com'),
    route: serving,
    routable: ['False', 'HostReserved'],
    message:
      /^Domain 'shop\.other\.run\.example\.com' is a name for services of another namespace; map another\.$/,
    ready: 'False',
  },
  'a tag of another namespace': {
    reason: 'the same',
    mapping: domainMapping('next---shop.other.run.example.com'),
    route: serving,
    routable: ['False', 'HostReserved'],
    ready: 'False',
  },
  'the short form of such a name': {
    reason: 'the same',
    mapping: domainMapping('hello.other.svc'),
    route: serving,
    routable: ['False', 'HostReserved'],
    ready: 'False',
  },
};

const statusOf = (input: Parameters<typeof planDomainMapping>[0], settings = config) =>
  planDomainMapping(input, settings, EPOCH).status?.status ?? {};
const brief = (condition: Condition | undefined) =>
  [condition?.status, condition?.reason].filter((part) => part !== undefined);

describe('planDomainMapping', () => {
  for (const [name, { reason, mapping = domainMapping(), message, ...each }] of Object.entries(CASES)) {
    it(`${name}: ${reason}`, () => {
      const { takenBy, route: found, service: made, mapped, routable, ready } = each;
      const status = statusOf({ mapping, route: found, service: made, takenBy });
      const condition = conditionOf(status.conditions, 'DomainRoutable');
      assert.deepEqual(brief(condition), routable);
      if (message) assert.match(condition?.message ?? '', message);
      assert.equal(conditionOf(status.conditions, 'Ready')?.status, ready);
      assert.equal(status.mappedRouteName, mapped);
      assert.equal(status.observedGeneration, 1);
    });
  }

  it('says which DNS record leads the domain to the gateways, whether it is routable or not', () => {
    const records = (name: string) => statusOf({ mapping: domainMapping(name) }).resourceRecords;
    const rrdata = 'hello.demo.run.example.com.';
    assert.deepEqual(records('www.example.com'), [{ name: 'www', type: 'CNAME', rrdata }]);
    assert.deepEqual(records('a.b.example.com'), [{ name: 'a.b', type: 'CNAME', rrdata }]);
    assert.deepEqual(records('example.com'), [{ type: 'CNAME', rrdata }]);
  });

  it('gives the URL the scheme of all, and plain HTTP without a certificate', () => {
    const https = parseConfig({ urlScheme: 'https' });
    const url = (mode: 'NONE' | 'AUTOMATIC') =>
      statusOf({ mapping: domainMapping('www.example.com', { certificateMode: mode }) }, https).url;
    assert.deepEqual([url('AUTOMATIC'), url('NONE')], ['https://www.example.com', 'http://www.example.com']);
  });

  it('says what is missing for a certificate without being unready for it', () => {
    const certificate = (mode: 'NONE' | 'AUTOMATIC') => {
      const mapping = domainMapping('www.example.com', { certificateMode: mode });
      return conditionOf(statusOf({ mapping, route: serving }).conditions, 'CertificateProvisioned');
    };
    assert.deepEqual(brief(certificate('NONE')), ['True', 'TLSNotEnabled']);
    assert.deepEqual(brief(certificate('AUTOMATIC')), ['False', 'IssuerMissing']);
    assert.equal(certificate('AUTOMATIC')?.severity, 'Warning');
  });

  it('reports once that it is ready, or why not', () => {
    const events = (mapping: DomainMapping, found?: Route) =>
      planDomainMapping({ mapping, route: found }, config, EPOCH).events.map(({ reason }) => reason);
    const mapping = domainMapping();
    const ready = { ...mapping, status: statusOf({ mapping, route: serving }) };
    assert.deepEqual(events(mapping, serving), ['DomainMappingReady']);
    assert.deepEqual(events(ready, serving), []);
    assert.deepEqual(events(ready), ['RouteMissing']);
  });
});
