import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { fromJson } from '@bufbuild/protobuf';
import { createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node';
import { SERVICES } from '../apis/serving/service/types.ts';
import { clientOf } from './testing/client.ts';
import { HOST, NAMESPACE, REGION, useApi } from './testing/installation.ts';
import { REGISTRY, serviceOf } from './v2/registry.ts';

const P = `/v2/projects/${NAMESPACE}/locations/${REGION}`;
const V1 = `/apis/serving.knative.dev/v1/namespaces/${NAMESPACE}`;
const IMAGE = { image: 'gcr.io/p/app:1' };

describe('the Admin API v2 on a real API server', function () {
  this.timeout(600_000);
  const installation = useApi();
  const call = clientOf(installation);

  it('shows in v1 what was written in v2, and keeps what v1 has written beside it', async () => {
    const body = { template: { containers: [{ ...IMAGE, resources: { cpuIdle: true } }], timeout: '60s' } };
    const made = await call('POST', `${P}/services?serviceId=views`, { body });
    equal(made.status, 200, JSON.stringify(made.body));
    const { body: v1 } = await call('GET', `${V1}/services/views`);
    equal(v1.spec.template.spec.timeoutSeconds, 60);
    v1.spec.template.spec.containers[0].imagePullPolicy = 'Always';
    equal(
      (
        await call('PUT', `${V1}/services/views`, {
          body: { ...v1, metadata: { ...v1.metadata, resourceVersion: '' } },
        })
      ).status,
      200,
    );

    const { body: v2 } = await call('GET', `${P}/services/views`);
    deepEqual(v2.template.scaling, undefined);
    const changed = await call('PATCH', `${P}/services/views?updateMask=template.scaling`, {
      body: { template: { scaling: { maxInstanceCount: 3 } } },
    });
    equal(changed.status, 200, JSON.stringify(changed.body));
    const stored = await installation.client.get(SERVICES, { namespace: NAMESPACE, name: 'views' });
    const { metadata, spec } = stored?.spec.template ?? {};
    equal(metadata?.annotations?.['autoscaling.knative.dev/maxScale'], '3');
    equal(spec?.containers[0]?.imagePullPolicy, 'Always');
    equal(spec?.timeoutSeconds, 60);
  });

  it('changes nothing where a client writes what it has read', async () => {
    await call('POST', `${P}/services?serviceId=same`, { body: { template: { containers: [IMAGE] } } });
    const { body: shown } = await call('GET', `${P}/services/same`);
    const { status, body } = await call('PATCH', `${P}/services/same`, { body: shown });
    equal(status, 200, JSON.stringify(body));
    equal((await call('GET', `${P}/services/same`)).body.generation, shown.generation);
  });

  it('names the field of v2 that admission refuses', async () => {
    const body = { template: { containers: [IMAGE], maxInstanceRequestConcurrency: 5000 } };
    const { status, body: answer } = await call('POST', `${P}/services?serviceId=wrong`, { body });
    equal(status, 400);
    const [detail] = answer.error.details;
    deepEqual(
      detail.fieldViolations.map(({ field }: { field: string }) => field),
      ['service.template.maxInstanceRequestConcurrency'],
      JSON.stringify(answer),
    );
  });

  it('validates without a change', async () => {
    const body = { template: { containers: [IMAGE] } };
    const dry = await call('POST', `${P}/services?serviceId=dry&validateOnly=true`, { body });
    equal(dry.status, 200, JSON.stringify(dry.body));
    equal(dry.body.response.template.maxInstanceRequestConcurrency, 80, 'with its defaults');
    equal((await call('GET', `${P}/services/dry`)).status, 404);
  });

  describe('warnings of the cluster', () => {
    const key = 'projects/p/locations/r/keyRings/k/cryptoKeys/c';
    const template = { containers: [IMAGE], encryptionKey: key };
    const isWarned = (warnings: readonly string[]) => {
      equal(warnings.length, 1, warnings.join('\n'));
      match(
        warnings[0] ?? '',
        /^299 - "spec\.template\.metadata\.annotations\[[^\]]*encryption-key\]: has no effect/,
      );
    };

    it('are headers of the answer over REST, in v1 and v2', async () => {
      const made = await call('POST', `${P}/services?serviceId=warned`, { body: { template } });
      isWarned(made.warnings);
      const { body, warnings } = await call('GET', `${V1}/services/warned`);
      deepEqual(warnings, [], 'who reads is not warned');
      isWarned((await call('PUT', `${V1}/services/warned`, { body })).warnings);
      const { resourceVersion: _, ...metadata } = body.metadata;
      const unversioned = { ...body, metadata };
      isWarned((await call('PUT', `${V1}/services/warned`, { body: unversioned })).warnings);
    });

    it('are metadata of the answer over gRPC', async () => {
      const baseUrl = `https://127.0.0.1:${installation.api.port}`;
      const tls = { ca: installation.authority, servername: HOST };
      const sessionManager = new Http2SessionManager(baseUrl, {}, tls);
      const transport = createGrpcTransport({ baseUrl, sessionManager });
      const { createService } = serviceOf('Services').method;
      ok(createService);
      const request = { parent: P.slice('/v2/'.length), serviceId: 'warned-grpc', service: { template } };
      const message = fromJson(createService.input, request, { registry: REGISTRY });
      const headers = { authorization: `Bearer ${installation.tokens.editor}` };
      const { header } = await transport.unary(
        createService as never,
        undefined,
        undefined,
        headers,
        message as never,
      );
      sessionManager.abort();
      isWarned([header.get('warning') ?? '']);
    });
  });

  it('lets a viewer change nothing', async () => {
    const body = { template: { containers: [IMAGE] } };
    const { status, body: answer } = await call('POST', `${P}/services?serviceId=mine`, {
      body,
      as: 'viewer',
    });
    equal(status, 403);
    match(answer.error.message, /run\.services\.create/);
  });
});
