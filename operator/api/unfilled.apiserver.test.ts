import { deepEqual, equal, match } from 'node:assert/strict';
import { RUN } from '../apis/labels.ts';
import { until } from '../testing/until.ts';
import { CONFIGURATIONS } from '../webhook/certificates/caBundle.ts';
import { clientOf } from './testing/client.ts';
import { NAMESPACE, REGION, useApi } from './testing/installation.ts';

const V1 = `/apis/run.googleapis.com/v1/namespaces/${NAMESPACE}`;
const V2 = `/v2/projects/${NAMESPACE}/locations/${REGION}`;
const JOB = { template: { taskCount: 2, template: { containers: [{ image: 'gcr.io/p/app:1' }] } } };

describe('the Admin API while the controller fills in executions, and no webhook', () => {
  const installation = useApi();
  const call = clientOf(installation);

  before(async () => {
    equal((await call('POST', `${V2}/jobs?jobId=work`, { body: JOB })).status, 200);
    for (const { type, name, optional } of CONFIGURATIONS)
      if (optional) await installation.client.delete(type, { name });
    await until('the API server knows', async () => {
      const { body } = await call('POST', `${V2}/jobs/work:run`, { body: { validateOnly: true } });
      return body.response?.template === undefined;
    });
  });

  it('runs a job in v1', async () => {
    const { status, body } = await call('POST', `${V1}/jobs/work:run`, { body: {} });
    equal(status, 200, JSON.stringify(body));
    match(body.metadata.name, /^work-[a-z0-9]{5}$/);
    equal(body.metadata.labels[RUN.job], 'work');
    const read = await call('GET', `${V1}/executions/${body.metadata.name}`);
    deepEqual([read.status, read.body.metadata], [200, body.metadata]);
  });

  it('runs a job in v2', async () => {
    const { status, body } = await call('POST', `${V2}/jobs/work:run`, { body: {} });
    equal(status, 200, JSON.stringify(body));
    match(
      body.metadata.name,
      new RegExp(`^${V2.slice('/v2/'.length)}/jobs/work/executions/work-[a-z0-9]{5}$`),
    );
    const read = await call('GET', `/v2/${body.metadata.name}`);
    deepEqual([read.status, read.body.job], [200, 'work']);
    equal((await call('GET', `${V2}/jobs/work/executions`)).status, 200);
    equal((await call('GET', `/v2/${body.name}`)).body.done, undefined, 'it has not completed');
  });
});
