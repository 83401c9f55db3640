import assert from 'node:assert/strict';
import { conditionOf } from '../../apis/condition.ts';
import { DOMAIN_MAPPINGS, type DomainMapping } from '../../apis/domains/domainMapping/types.ts';
import { CONFIGURATIONS } from '../../apis/serving/configuration/types.ts';
import { REVISIONS } from '../../apis/serving/revision/types.ts';
import { ROUTES, type Route } from '../../apis/serving/route/types.ts';
import { SERVICES } from '../../apis/serving/service/types.ts';
import { domainMapping } from '../../testing/domains.ts';
import { FakeApiServer } from '../../testing/fakeApiServer.ts';
import { revision, route } from '../../testing/serving.ts';
import { ServingProcess } from '../../testing/servingProcess.ts';
import { until } from '../../testing/until.ts';
import { routeController } from '../route/reconciler.ts';
import { domainMappingController } from './reconciler.ts';

const REVISION = 'hello-00001-abc';

describe('domain mappings and routes', () => {
  let server: FakeApiServer;
  let process: ServingProcess;

  beforeEach(async () => {
    server = await FakeApiServer.start({
      types: [SERVICES, ROUTES, CONFIGURATIONS, REVISIONS, DOMAIN_MAPPINGS],
    });
    process = new ServingProcess(server, [routeController, domainMappingController]);
  });

  afterEach(async () => {
    await process.stop();
    await server.close();
  });

  function addRoute(name: string): Promise<Route> {
    server.put(revision(REVISION, { ready: 'True' }));
    const { metadata, spec, ...made } = route(name, [{ revisionName: REVISION, percent: 100 }]);
    return server.client.create(ROUTES, { ...made, metadata: { name, namespace: 'demo' }, spec });
  }
  const addMapping = (host: string, namespace = 'demo', routeName = 'hello') => {
    const { metadata: _, ...made } = domainMapping(host, { routeName });
    return server.client.create(DOMAIN_MAPPINGS, { ...made, metadata: { name: host, namespace } });
  };
  const mapping = (name: string, namespace = 'demo') =>
    server.get(DOMAIN_MAPPINGS, { namespace, name }) as DomainMapping | undefined;

  /** Waits until Ready has this status and reason. */
  function ready(read: () => DomainMapping | Route | undefined, want: string): Promise<unknown> {
    return until(`Ready is ${want}`, () => {
      const condition = conditionOf(read()?.status?.conditions, 'Ready');
      return `${condition?.status} ${condition?.reason ?? ''}`.trimEnd() === want;
    });
  }

  it('maps a service when it appears, and lets go of it when it goes', async () => {
    await addMapping('www.example.com');
    const mapped = () => mapping('www.example.com');
    await ready(mapped, 'False RouteMissing');
    const { metadata } = await addRoute('hello');
    await ready(mapped, 'True');
    assert.equal(mapped()?.status?.mappedRouteName, 'hello');
    await server.client.delete(ROUTES, metadata);
    await ready(mapped, 'False RouteMissing');
    assert.equal(mapped()?.status?.mappedRouteName, undefined);
  });

  it('leaves a domain with the mapping that has it, and gives it to the other when that goes', async () => {
    await addRoute('hello');
    const first = await addMapping('www.example.com');
    await ready(() => mapping('www.example.com'), 'True');
    const { metadata } = route('hello', [{ revisionName: REVISION, percent: 100 }]);
    const traffic = [{ revisionName: REVISION, percent: 100 }];
    server.put({ ...route('hello'), metadata: { ...metadata, namespace: 'other' }, status: { traffic } });
    server.put({
      ...revision(REVISION, { ready: 'True' }),
      metadata: { ...revision(REVISION).metadata, namespace: 'other' },
    });
    await addMapping('www.example.com', 'other');
    const second = () => mapping('www.example.com', 'other');
    await ready(second, 'False HostTaken');
    assert.equal(second()?.status?.mappedRouteName, undefined);
    await server.client.delete(DOMAIN_MAPPINGS, first.metadata);
    await ready(second, 'True');
  });

  it('leaves the URL of a service with the service, and a domain with its mapping', async () => {
    await addRoute('hello');
    await ready(() => server.get(ROUTES, { namespace: 'demo', name: 'hello' }) as Route, 'True');
    await addMapping('hello.demo.localhost');
    await ready(() => mapping('hello.demo.localhost'), 'False HostTaken');
    const late = await addMapping('late.demo.localhost');
    await ready(() => mapping('late.demo.localhost'), 'True');
    await addRoute('late');
    const service = () => server.get(ROUTES, { namespace: 'demo', name: 'late' }) as Route;
    await ready(service, 'False HostTaken');
    assert.match(
      conditionOf(service().status?.conditions, 'Ready')?.message ?? '',
      /^Host 'late\.demo\.localhost' belongs to domain mapping 'demo\/late\.demo\.localhost'/,
    );
    await server.client.delete(DOMAIN_MAPPINGS, late.metadata);
    await ready(service, 'True');
  });
});
