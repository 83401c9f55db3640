import { deepEqual, equal, match, notEqual, ok } from 'node:assert/strict';
import { gcloudTarget, NAMESPACE } from '../../operator/api/testing/installation.ts';
import { useReadyApi } from '../../operator/api/testing/readiness.ts';
import { JOBS } from '../../operator/apis/run/job/types.ts';
import { SERVICES } from '../../operator/apis/serving/service/types.ts';
import { type Skaffold, skaffoldFor } from './skaffold.ts';

const service = (image: string) => ({
  apiVersion: 'serving.knative.dev/v1',
  kind: 'Service',
  metadata: { name: 'hello', labels: { team: 'shop' } },
  spec: { template: { spec: { containers: [{ image }] } } },
});

const job = (image: string, maxRetries: number) => ({
  apiVersion: 'run.googleapis.com/v1',
  kind: 'Job',
  metadata: { name: 'nightly' },
  spec: { template: { spec: { template: { spec: { maxRetries, containers: [{ image }] } } } } },
});

/** In this order: what a person does with a service and a job by Skaffold's deployer for Cloud Run. */
describe('Skaffold at the Admin API', function () {
  this.timeout(300_000);
  const installation = useReadyApi();
  let skaffold: Skaffold;
  before(() => {
    skaffold = skaffoldFor(gcloudTarget(installation));
  });
  after(() => skaffold?.remove());

  /** What the cluster has of both. */
  async function stored() {
    const { client } = installation;
    const services = await client.list(SERVICES, { namespace: NAMESPACE });
    const jobs = await client.list(JOBS, { namespace: NAMESPACE });
    return {
      services: services.items.map(({ metadata, spec }) => ({
        name: metadata.name,
        team: metadata.labels?.team,
        image: spec.template?.spec?.containers?.[0]?.image,
      })),
      jobs: jobs.items.map(({ metadata, spec }) => {
        const task = spec.template?.spec?.template?.spec;
        return { name: metadata.name, image: task?.containers?.[0]?.image, maxRetries: task?.maxRetries };
      }),
    };
  }

  it('deploys both, and tells the URL of the service', async () => {
    skaffold.write([service('gcr.io/shop/web:1'), job('gcr.io/shop/import:1', 2)]);
    const { code, text, urls } = await skaffold.deploy();
    equal(code, 0, text);
    match(text, /Cloud Run Service hello finished: Service started/);
    match(text, /Cloud Run Job nightly finished: Job started/);
    deepEqual(urls, { hello: 'https://hello.demo.example.test' });
    deepEqual(await stored(), {
      services: [{ name: 'hello', team: 'shop', image: 'gcr.io/shop/web:1' }],
      jobs: [{ name: 'nightly', image: 'gcr.io/shop/import:1', maxRetries: 2 }],
    });
  });

  it('deploys changes of both', async () => {
    skaffold.write([service('gcr.io/shop/web:2'), job('gcr.io/shop/import:2', 0)]);
    const { code, text } = await skaffold.deploy();
    equal(code, 0, text);
    deepEqual(await stored(), {
      services: [{ name: 'hello', team: 'shop', image: 'gcr.io/shop/web:2' }],
      jobs: [{ name: 'nightly', image: 'gcr.io/shop/import:2', maxRetries: 0 }],
    });
  });

  it('deploys the image that a build has made in the place of the one that is named', async () => {
    skaffold.write([service('web'), job('gcr.io/shop/import:2', 0)]);
    const { code, text } = await skaffold.deploy({ web: 'gcr.io/shop/web:3' });
    equal(code, 0, text);
    deepEqual((await stored()).services, [{ name: 'hello', team: 'shop', image: 'gcr.io/shop/web:3' }]);
  });

  it('labels what it deploys by the run, and a template where it has metadata', async () => {
    const runOf = (labels: Record<string, string> = {}) => labels['run-id'];
    const labelled = async (template: object) => {
      const manifest = service('gcr.io/shop/web:4');
      skaffold.write([{ ...manifest, spec: { template: { ...manifest.spec.template, ...template } } }]);
      const { code, text } = await skaffold.deploy();
      equal(code, 0, text);
      const found = await installation.client.get(SERVICES, { namespace: NAMESPACE, name: 'hello' });
      return [runOf(found?.metadata.labels), runOf(found?.spec.template?.metadata?.labels)];
    };
    const [plain, ofTemplate] = await labelled({});
    ok(plain);
    equal(ofTemplate, undefined);
    const [next, nextOfTemplate] = await labelled({ metadata: {} });
    notEqual(next, plain);
    equal(nextOfTemplate, next);
  });

  it('fails with the reason why a service does not get ready', async () => {
    skaffold.write([service('broken')]);
    const { code, text } = await skaffold.deploy();
    equal(code, 1, text);
    match(text, /Service failed to start: the image broken cannot be pulled/);
  });

  it('fails with the field that the API refuses', async () => {
    skaffold.write([service('not an image')]);
    const { code, text } = await skaffold.deploy();
    equal(code, 1, text);
    match(text, /spec\.template\.spec\.containers\[0\]\.image/);
  });

  it('deletes both', async () => {
    const { code, text } = await skaffold.run('delete');
    equal(code, 0, text);
    deepEqual(await stored(), { services: [], jobs: [] });
  });
});
