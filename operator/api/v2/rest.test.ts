import assert from 'node:assert/strict';
import { SERVICES } from '../../apis/serving/service/types.ts';
import type { KubeObject } from '../../kube/types.ts';
import { silent } from '../../testing/until.ts';
import type { ApiContext } from '../context.ts';
import { ApiError } from '../errors.ts';
import type { Resources } from '../resources/resources.ts';
import type { Fields } from './conversion/value.ts';
import { METHODS } from './methods.ts';
import { serviceOf } from './registry.ts';
import { answerRest, type RestRequest } from './rest.ts';

const PERSON = { name: 'ada', groups: [] };
const PARENT = '/v2/projects/demo/locations/local';

/** What was written to the cluster. */
let written: KubeObject[] = [];

const stored: KubeObject = {
  apiVersion: SERVICES.apiVersion,
  kind: SERVICES.kind,
  metadata: { name: 'a', namespace: 'demo', uid: 'u', generation: 1, labels: { team: 'a' } },
  spec: { template: { spec: { containers: [{ image: 'hello:1' }], timeoutSeconds: 7 } } },
} as KubeObject;

const write = async (_type: unknown, object: Partial<KubeObject>) => {
  written.push(object as KubeObject);
  return object as never;
};

const resources: Resources = {
  namespace: 'demo',
  person: PERSON,
  get: async () => structuredClone(stored) as never,
  list: async () => ({ items: [structuredClone(stored) as never] }),
  create: write,
  replace: write,
  delete: async () => {},
};

const context = {
  config: { api: { host: '' }, metadata: { region: 'local', projectId: '{namespace}' } },
  resourcesOf: () => resources,
  verbs: {},
  log: silent,
} as unknown as ApiContext;

const ask = (
  method: string,
  path: string,
  body?: unknown,
  query: RestRequest['query'] = {},
): Promise<Fields> => {
  const call = { context, person: PERSON, host: undefined, signal: AbortSignal.timeout(10_000) };
  return answerRest({ method, path, body, query }, call);
};

const TEMPLATE = { containers: [{ image: 'hello:1' }] };

describe('the API v2 over REST', () => {
  beforeEach(() => {
    written = [];
  });

  it('answers each method of the protos at each of its paths', () => {
    const paths = METHODS.flatMap(({ bindings }) => bindings.map(({ method, path }) => `${method} ${path}`));
    assert.equal(new Set(paths).size, paths.length, 'no path is that of two methods');
    const answered = new Set(METHODS.map(({ descriptor }) => `${descriptor.parent.name}.${descriptor.name}`));
    for (const name of [
      'Services',
      'Revisions',
      'Jobs',
      'Executions',
      'Tasks',
      'WorkerPools',
      'Builds',
      'Instances',
    ]) {
      for (const method of serviceOf(name).methods)
        assert.ok(answered.has(`${name}.${method.name}`), method.name);
    }
  });

  const refusals: Record<string, { request: Parameters<typeof ask>; field: string; reason: string }> = {
    'a field that no message has': {
      request: [
        'POST',
        `${PARENT}/services`,
        { template: { ...TEMPLATE, color: 'red' } },
        { serviceId: 'a' },
      ],
      field: 'service.template.color',
      reason: 'a typing error would be lost',
    },
    'a field of another type': {
      request: [
        'POST',
        `${PARENT}/services`,
        { template: { ...TEMPLATE, scaling: { minInstanceCount: 'x' } } },
        { serviceId: 'a' },
      ],
      field: 'service.template.scaling.minInstanceCount',
      reason: 'service.proto: int32',
    },
    'an enum value that does not exist': {
      request: [
        'POST',
        `${PARENT}/services`,
        { template: TEMPLATE, ingress: 'EVERYONE' },
        { serviceId: 'a' },
      ],
      field: 'service.ingress',
      reason: 'vendor_settings.proto: IngressTraffic',
    },
    'a parameter that no method has': {
      request: ['GET', `${PARENT}/services`, undefined, { pagesize: '3' }],
      field: 'pagesize',
      reason: 'the client would get pages of another size',
    },
    'a size of pages below 0': {
      request: ['GET', `${PARENT}/services`, undefined, { pageSize: '-1' }],
      field: 'pageSize',
      reason: 'AIP-158',
    },
    'a new service without an id': {
      request: ['POST', `${PARENT}/services`, { template: TEMPLATE }],
      field: 'serviceId',
      reason: 'service.proto: REQUIRED',
    },
    'a container without an image': {
      request: [
        'POST',
        `${PARENT}/services`,
        { template: { containers: [{ name: 'a' }] } },
        { serviceId: 'a' },
      ],
      field: 'service.template.containers[0].image',
      reason: 'k8s.min.proto: REQUIRED',
    },
    'another region': {
      request: ['GET', '/v2/projects/demo/locations/mars/services'],
      field: 'location',
      reason: 'a cluster is one region',
    },
    'another name in the body than in the path': {
      request: [
        'PATCH',
        `${PARENT}/services/a`,
        { name: 'projects/demo/locations/local/services/b', template: TEMPLATE },
      ],
      field: 'service.name',
      reason: 'it is not clear which one is meant',
    },
    'a mask with a field that does not exist': {
      request: ['PATCH', `${PARENT}/services/a`, { template: TEMPLATE }, { updateMask: 'template.color' }],
      field: 'updateMask',
      reason: 'AIP-134',
    },
    'an annotation of v1': {
      request: [
        'POST',
        `${PARENT}/services`,
        { template: TEMPLATE, annotations: { 'run.googleapis.com/ingress': 'all' } },
        { serviceId: 'a' },
      ],
      field: 'service.annotations',
      reason: 'API reference v2, Service: annotations',
    },
    'a timeout of parts of a second': {
      request: [
        'POST',
        `${PARENT}/services`,
        { template: { ...TEMPLATE, timeout: '1.5s' } },
        { serviceId: 'a' },
      ],
      field: 'service.template.timeout',
      reason: 'v1 has whole seconds',
    },
    'a share for the latest revision that names one': {
      request: [
        'PATCH',
        `${PARENT}/services/a`,
        {
          template: TEMPLATE,
          traffic: [{ type: 'TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST', revision: 'a-1', percent: 100 }],
        },
      ],
      field: 'service.traffic[0].revision',
      reason: 'it contradicts itself',
    },
  };
  for (const [name, { request, field, reason }] of Object.entries(refusals)) {
    it(`refuses ${name}, names the field and changes nothing`, async () => {
      await assert.rejects(ask(...request), (error: unknown) => {
        assert.ok(error instanceof ApiError, String(error));
        assert.equal(error.code, 'INVALID_ARGUMENT', reason);
        const [detail] = error.details as { fieldViolations: { field: string }[] }[];
        assert.deepEqual(
          detail?.fieldViolations.map((violation) => violation.field),
          [field],
          error.message,
        );
        return true;
      });
      assert.deepEqual(written, []);
    });
  }

  it('knows no other paths', async () => {
    const paths = [
      '/v2/projects/demo/locations/local/dogs',
      `${PARENT}/services/a:bark`,
      '/v2/',
      `${PARENT}/services/a/b`,
    ];
    for (const path of paths) {
      await assert.rejects(ask('GET', path), (error: ApiError) => error.code === 'NOT_FOUND', path);
    }
  });

  it('takes what Google adds to every request for what it is', async () => {
    const query = { alt: 'json', $alt: 'json;enum-encoding=int', prettyPrint: 'false', pageSize: '5' };
    const { services } = (await ask('GET', `${PARENT}/services`, undefined, query)) as { services: Fields[] };
    assert.equal(services[0]?.name, 'projects/demo/locations/local/services/a');
  });

  it('changes only the fields that the mask names, in either spelling', async () => {
    for (const updateMask of [
      'template.max_instance_request_concurrency',
      'template.maxInstanceRequestConcurrency',
    ]) {
      await ask(
        'PATCH',
        `${PARENT}/services/a`,
        { template: { maxInstanceRequestConcurrency: 5 } },
        { updateMask },
      );
      const { spec, metadata } = written.pop() as KubeObject & { spec: Fields };
      assert.deepEqual(metadata.labels, { team: 'a' });
      assert.deepEqual(spec, {
        template: {
          spec: { containers: [{ image: 'hello:1' }], timeoutSeconds: 7, containerConcurrency: 5 },
        },
      });
    }
  });

  it('replaces all that v2 can say where there is no mask', async () => {
    await ask('PATCH', `${PARENT}/services/a`, { template: TEMPLATE });
    const { spec, metadata } = written.pop() as KubeObject & { spec: Fields };
    assert.equal(metadata.labels, undefined);
    assert.deepEqual(spec, { template: { spec: { containers: [{ image: 'hello:1' }] } } });
  });

  it('takes a field that is null for one that is unset, also another kind of probe', async () => {
    written = [];
    const startupProbe = { httpGet: { path: '/', httpHeaders: null }, grpc: null, tcpSocket: null };
    const template = { containers: [{ image: 'hello:1', args: null, startupProbe }], labels: null };
    await ask('POST', `${PARENT}/services`, { template, description: null }, { serviceId: 'b' });
    const [{ spec }] = written as [KubeObject & { spec: { template: object } }];
    const container = { image: 'hello:1', startupProbe: { httpGet: { path: '/' } } };
    assert.deepEqual(spec.template, { spec: { containers: [container] } });
  });

  it('ignores what clients send back of what they only read', async () => {
    const { response } = { response: await ask('GET', `${PARENT}/services/a`) };
    await ask('PATCH', `${PARENT}/services/a`, { ...response, uid: 'other', uri: 'https://other' });
    assert.deepEqual(written.pop(), stored);
  });
});
