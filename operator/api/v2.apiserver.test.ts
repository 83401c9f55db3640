import { deepEqual, equal, match } from 'node:assert/strict';
import { SERVICES } from '../apis/serving/service/types.ts';
import { clientOf } from './testing/client.ts';
import { NAMESPACE, REGION, useApi } from './testing/installation.ts';

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
