import assert from 'node:assert/strict';
import run from '@google-cloud/run';
import { credentials, Metadata } from '@grpc/grpc-js';
import { OAuth2Client } from 'google-auth-library';
import { RUN, SERVING } from '../../apis/labels.ts';
import { EXECUTIONS } from '../../apis/run/execution/types.ts';
import { PLACE, PROJECT, startTestServer, type TestServer, TOKEN } from './testing/server.ts';

const { ServicesClient, RevisionsClient, JobsClient, ExecutionsClient, TasksClient, WorkerPoolsClient } =
  run.v2;

type Options = ConstructorParameters<typeof ServicesClient>[0];

/** Both transports of Google's client library. */
const TRANSPORTS: Record<string, (server: TestServer) => Options> = {
  gRPC: ({ tls, authority }) => {
    const token = credentials.createFromMetadataGenerator((_options, callback) => {
      const metadata = new Metadata();
      metadata.set('authorization', `Bearer ${TOKEN}`);
      callback(null, metadata);
    });
    const ssl = credentials.createSsl(Buffer.from(authority));
    return {
      apiEndpoint: 'localhost',
      port: tls.port,
      sslCreds: credentials.combineChannelCredentials(ssl, token) as never,
    };
  },
  REST: ({ plain }) => {
    const auth = new OAuth2Client();
    auth.setCredentials({ access_token: TOKEN });
    return {
      fallback: true,
      protocol: 'http',
      apiEndpoint: '127.0.0.1',
      port: plain.port,
      auth: auth as never,
    };
  },
};

const CONTAINERS = [
  { image: 'hello:1', resources: { limits: { cpu: '1', memory: '512Mi' }, cpuIdle: true } },
];
const TEMPLATE = { containers: CONTAINERS };

/** Google's codes of errors. */
const CODES = { invalidArgument: 3, notFound: 5, alreadyExists: 6, aborted: 10, unimplemented: 12 };

for (const [name, optionsOf] of Object.entries(TRANSPORTS)) {
  describe(`Google's client library over ${name}`, () => {
    let server: TestServer;
    let options: Options;

    before(() => {
      // It would look for Google's metadata server for many seconds.
      process.env.METADATA_SERVER_DETECTION = 'none';
    });
    beforeEach(async () => {
      server = await startTestServer();
      options = optionsOf(server);
    });
    afterEach(() => server.close());

    const fails = (code: number, message: RegExp) => (error: { code: number; message: string }) => {
      assert.equal(error.code, code, error.message);
      assert.match(error.message, message);
      return true;
    };

    it('creates, reads, changes and deletes a service, and waits for each operation', async () => {
      const client = new ServicesClient(options);
      const [creation] = await client.createService({
        parent: PLACE,
        serviceId: 'hello',
        service: { template: TEMPLATE, labels: { team: 'a' } },
      });
      const [created, metadata] = await creation.promise();
      assert.equal(created.name, `${PLACE}/services/hello`);
      assert.equal(created.latestReadyRevision, `${PLACE}/services/hello/revisions/hello-00001-abc`);
      assert.equal((metadata as { name: string }).name, created.name);
      const creations = server.cluster.requests.filter(
        ({ method, path }) => method === 'POST' && path.endsWith('/services'),
      );
      assert.equal(creations.length, 1);

      const [read] = await client.getService({ name: `${PLACE}/services/hello` });
      assert.deepEqual(read.labels, { team: 'a' });
      assert.equal(read.uri, 'http://hello.test');
      assert.equal(read.terminalCondition?.state, 'CONDITION_SUCCEEDED');

      const [change] = await client.updateService({
        service: { name: read.name, template: { containers: [{ image: 'hello:2' }] }, labels: { team: 'b' } },
        updateMask: { paths: ['template.containers'] },
      });
      const [changed] = await change.promise();
      assert.equal(changed.template?.containers?.[0]?.image, 'hello:2');
      assert.deepEqual(changed.labels, { team: 'a' }, 'the mask does not name the labels');

      const stale = client.updateService({ service: { ...changed, etag: read.etag } });
      await assert.rejects(stale, fails(CODES.aborted, /etag/));

      const [deletion] = await client.deleteService({ name: read.name });
      await deletion.promise();
      await assert.rejects(client.getService({ name: read.name }), fails(CODES.notFound, /does not exist/));
      await client.close();
    });

    it('makes what is missing where an update allows it, and changes nothing where it only validates', async () => {
      const client = new ServicesClient(options);
      const service = { name: `${PLACE}/services/hello`, template: TEMPLATE };
      await assert.rejects(client.updateService({ service }), fails(CODES.notFound, /does not exist/));
      await client.updateService({ service, allowMissing: true, validateOnly: true });
      const dryRuns = server.cluster.requests.filter(({ query }) => query.get('dryRun') === 'All');
      assert.deepEqual(
        dryRuns.map(({ method }) => method),
        ['POST'],
      );
      await client.close();
    });

    it('refuses what is not complete and says which field it is', async () => {
      const client = new ServicesClient(options);
      const creation = client.createService({
        parent: PLACE,
        serviceId: 'a',
        service: { template: { containers: [{}] } },
      });
      await assert.rejects(
        creation,
        fails(CODES.invalidArgument, /service\.template\.containers\[0\]\.image: must be set/),
      );
      assert.deepEqual(server.cluster.requests, []);
      await client.close();
    });

    it('lists page by page', async () => {
      const client = new ServicesClient(options);
      for (let i = 0; i < 7; i++) {
        server.cluster.put({
          apiVersion: 'serving.knative.dev/v1',
          kind: 'Service',
          metadata: { name: `s${i}`, namespace: PROJECT },
        });
      }
      const names: unknown[] = [];
      for await (const { name: found } of client.listServicesAsync({ parent: PLACE, pageSize: 3 }))
        names.push(found);
      assert.deepEqual(
        names,
        Array.from({ length: 7 }, (_, i) => `${PLACE}/services/s${i}`),
      );
      await client.close();
    });

    it('reads, lists and deletes the revisions of a service', async () => {
      const client = new RevisionsClient(options);
      for (const [owner, revision] of [
        ['hello', 'hello-1'],
        ['other', 'other-1'],
      ]) {
        server.cluster.put({
          apiVersion: 'serving.knative.dev/v1',
          kind: 'Revision',
          metadata: {
            name: revision as string,
            namespace: PROJECT,
            labels: { [SERVING.service]: owner as string },
          },
        });
      }
      const parent = `${PLACE}/services/hello`;
      const [revisions] = await client.listRevisions({ parent });
      assert.deepEqual(
        revisions.map(({ name: found }) => found),
        [`${parent}/revisions/hello-1`],
      );
      const [read] = await client.getRevision({ name: `${parent}/revisions/hello-1` });
      assert.equal(read.service, 'hello');
      await assert.rejects(
        client.getRevision({ name: `${parent}/revisions/other-1` }),
        fails(CODES.notFound, /other-1/),
      );
      const [deletion] = await client.deleteRevision({ name: read.name });
      await deletion.promise();
      assert.deepEqual((await client.listRevisions({ parent }))[0], []);
      await client.close();
    });

    it('makes, changes and runs a job, and reads its execution and tasks', async () => {
      const jobs = new JobsClient(options);
      const executions = new ExecutionsClient(options);
      const tasks = new TasksClient(options);
      const [creation] = await jobs.createJob({
        parent: PLACE,
        jobId: 'nightly',
        job: {
          template: { taskCount: 2, template: { ...TEMPLATE, maxRetries: 0, timeout: { seconds: 60 } } },
        },
      });
      const [job] = await creation.promise();
      assert.equal(job.template?.template?.maxRetries, 0);
      assert.equal(job.template?.template?.timeout?.seconds?.toString(), '60');
      assert.equal((await jobs.getJob({ name: job.name }))[0].name, `${PLACE}/jobs/nightly`);
      assert.equal((await jobs.listJobs({ parent: PLACE }))[0].length, 1);
      const [change] = await jobs.updateJob({ job: { ...job, etag: '', labels: { team: 'a' } } });
      assert.deepEqual((await change.promise())[0].labels, { team: 'a' });

      const execution = 'nightly-abcde';
      server.cluster.put({
        apiVersion: EXECUTIONS.apiVersion,
        kind: EXECUTIONS.kind,
        metadata: { name: execution, namespace: PROJECT, labels: { [RUN.job]: 'nightly' } },
        spec: { taskCount: 2, template: { spec: TEMPLATE } },
      } as never);
      const parent = `${PLACE}/jobs/nightly`;
      const named = `${parent}/executions/${execution}`;
      assert.equal((await executions.getExecution({ name: named }))[0].taskCount, 2);
      assert.deepEqual(
        (await executions.listExecutions({ parent }))[0].map(({ name: found }) => found),
        [named],
      );
      const [found] = await tasks.listTasks({ parent: named });
      assert.deepEqual(
        found.map(({ name: task }) => task),
        [`${named}/tasks/${execution}-0`, `${named}/tasks/${execution}-1`],
      );
      assert.equal((await tasks.getTask({ name: found[1]?.name }))[0].index, 1);
      await (await executions.cancelExecution({ name: named }))[0].promise();
      assert.equal(
        server.cluster.get(EXECUTIONS, { namespace: PROJECT, name: execution })?.metadata.annotations?.[
          'homerun.dev/cancel'
        ],
        'true',
      );
      await (await executions.deleteExecution({ name: named }))[0].promise();
      await (await jobs.deleteJob({ name: job.name }))[0].promise();
      assert.deepEqual((await jobs.listJobs({ parent: PLACE }))[0], []);
      await Promise.all([jobs.close(), executions.close(), tasks.close()]);
    });

    it('runs a job with overrides', async () => {
      const jobs = new JobsClient(options);
      const job = { template: { template: TEMPLATE } };
      await (await jobs.createJob({ parent: PLACE, jobId: 'nightly', job }))[0].promise();
      const overrides = {
        taskCount: 3,
        containerOverrides: [{ args: ['a'], env: [{ name: 'A', value: 'b' }] }],
      };
      const [operation] = await jobs.runJob({ name: `${PLACE}/jobs/nightly`, overrides });
      const [execution] = await operation.promise();
      assert.match(execution.name ?? '', /\/jobs\/nightly\/executions\/nightly-/);
      const written = server.cluster.requests.find(
        ({ method, path }) => method === 'POST' && path.endsWith('/executions'),
      )?.body as { metadata: { annotations: Record<string, string> } } | undefined;
      assert.deepEqual(JSON.parse(written?.metadata.annotations['homerun.dev/overrides'] ?? ''), overrides);
      await jobs.close();
    });

    it('deploys a worker pool as gcloud does, and forces a new revision', async () => {
      const client = new WorkerPoolsClient(options);
      const workerPool = {
        name: `${PLACE}/workerPools/pull`,
        template: TEMPLATE,
        scaling: { manualInstanceCount: 2 },
      };
      const deploy = { workerPool, allowMissing: true, forceNewRevision: true };
      const [created] = await (await client.updateWorkerPool(deploy))[0].promise();
      assert.equal(created.scaling?.manualInstanceCount, 2);
      const [again] = await (await client.updateWorkerPool(deploy))[0].promise();
      assert.equal(again.generation?.toString(), '2', 'the same template makes another revision');
      const [same] = await (await client.updateWorkerPool({ workerPool }))[0].promise();
      assert.equal(same.generation?.toString(), '2');
      assert.equal((await client.listWorkerPools({ parent: PLACE }))[0].length, 1);
      await (await client.deleteWorkerPool({ name: workerPool.name }))[0].promise();
      await assert.rejects(
        client.getWorkerPool({ name: workerPool.name }),
        fails(CODES.notFound, /does not exist/),
      );
      await client.close();
    });

    it('says why an operation has failed', async () => {
      server.settles = false;
      const client = new ServicesClient(options);
      const [creation] = await client.createService({
        parent: PLACE,
        serviceId: 'a',
        service: { template: TEMPLATE },
      });
      const [stored] = server.cluster.list({
        apiVersion: 'serving.knative.dev/v1',
        kind: 'Service',
        plural: 'services',
        namespaced: true,
      });
      const conditions = [{ type: 'Ready', status: 'False', message: 'the image does not exist' }];
      server.cluster.put({ ...stored, status: { observedGeneration: 1, conditions } } as never);
      await assert.rejects(creation.promise(), /the image does not exist/);
      await client.close();
    });

    it('finds operations and locations', async () => {
      const client = new ServicesClient(options);
      const [creation] = await client.createService({
        parent: PLACE,
        serviceId: 'a',
        service: { template: TEMPLATE },
      });
      const progress = await client.checkCreateServiceProgress(creation.name as string);
      assert.equal(progress.name, creation.name);
      // Its declaration leaves out that the answer comes in a list.
      const [location] = (await client.getLocation({ name: PLACE })) as unknown as [{ locationId: string }];
      assert.equal(location.locationId, 'local');
      await client.close();
    });

    it('says that instances are not there, and builds where they are turned off', async () => {
      const builds = new run.v2.BuildsClient(options);
      await assert.rejects(
        builds.submitBuild({ parent: PLACE, storageSource: { bucket: 'b', object: 'o' }, imageUri: 'i' }),
        fails(CODES.unimplemented, /builds no sources: install/),
      );
      const instances = new run.v2.InstancesClient(options);
      await assert.rejects(
        instances.getInstance({ name: `${PLACE}/instances/a` }),
        fails(CODES.unimplemented, /no instances yet/),
      );
      await Promise.all([builds.close(), instances.close()]);
    });
  });
}
