import { deepEqual, match, ok } from 'node:assert/strict';
import { parseConfig } from '../../operator/config.ts';
import { helm, NAMESPACE, type Rendered, refusal, render } from './helm.ts';

const parentRefs = [{ name: 'edge', namespace: 'infra', sectionName: 'https' }];
const service = { port: 8080 };
const VALUES = { domain: 'run.example.com', gateway: { service }, gatewayApi: { parentRefs } };

describe('the chart behind a Gateway', () => {
  // The first call may have to build Helm.
  before(function () {
    this.timeout(600_000);
    helm(['version']);
  });

  function controllerConfig(values: object) {
    const objects = render(values, { templates: ['config'] }) as (Rendered & {
      data: { 'config.json': string };
    })[];
    const found = objects.find(({ metadata }) => metadata.name === 'homerun-controller');
    return parseConfig(JSON.parse(found?.data['config.json'] ?? '')).gatewayApi;
  }

  it('leads the hosts of services to the Service of the gateways', () => {
    const routes = render(VALUES, { templates: ['httproute'] });
    deepEqual(
      routes.map(({ apiVersion, metadata, spec }) => [apiVersion, metadata.namespace, metadata.name, spec]),
      [
        [
          'gateway.networking.k8s.io/v1',
          NAMESPACE,
          'homerun-gateway',
          {
            parentRefs,
            hostnames: ['*.run.example.com'],
            rules: [{ backendRefs: [{ name: 'homerun-gateway', port: 8080 }] }],
          },
        ],
      ],
    );
  });

  it('tells the controller where the domains of mappings are led, and by what', () => {
    deepEqual(controllerConfig(VALUES), {
      parentRefs,
      namespace: NAMESPACE,
      service: 'homerun-gateway',
      port: 8080,
    });
    deepEqual(controllerConfig({}), parseConfig({}).gatewayApi);
  });

  it('lets the controller write HTTPRoutes in its own namespace', () => {
    const grants = render(VALUES, { templates: ['rbac'] }).filter(({ metadata }) =>
      metadata.name.endsWith('httproutes'),
    ) as (Rendered & { rules?: object[] })[];
    deepEqual(
      grants.map(({ kind, metadata }) => [kind, metadata.name, metadata.namespace]),
      [
        ['ClusterRole', 'homerun-controller-httproutes', undefined],
        ['RoleBinding', 'homerun-controller-httproutes', NAMESPACE],
      ],
    );
    deepEqual(grants[0]?.rules, [
      {
        apiGroups: ['gateway.networking.k8s.io'],
        resources: ['httproutes'],
        verbs: ['create', 'delete', 'get', 'list', 'patch', 'watch'],
      },
    ]);
  });

  it('has no routes, and lets nothing write any, without parents', () => {
    ok(!/httproutes?"/i.test(JSON.stringify(render({ gateway: { service } }))));
  });

  const refused: Record<string, { parentRefs: unknown; reason: string; want: RegExp }> = {
    'no list': { parentRefs: parentRefs[0], reason: 'one is still a list', want: /got object, want array/ },
    'no name': {
      parentRefs: [{ namespace: 'infra' }],
      reason: 'the API server would refuse each route',
      want: /parentRefs\/0'?: missing property 'name'/,
    },
    'a field that there is not': {
      parentRefs: [{ name: 'edge', section: 'https' }],
      reason: 'it would silently mean all listeners',
      want: /additional properties 'section' not allowed/,
    },
  };
  for (const [name, { reason, want, ...gatewayApi }] of Object.entries(refused)) {
    it(`refuses parents with ${name}, because ${reason}`, () => {
      match(
        refusal(() => render({ gatewayApi })),
        want,
      );
    });
  }
});
