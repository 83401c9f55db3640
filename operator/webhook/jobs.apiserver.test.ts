import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { EXECUTIONS, type Execution } from '../apis/run/execution/types.ts';
import { JOBS, type Job } from '../apis/run/job/types.ts';
import { NAMESPACE, rejectionOf, useInstallation } from './testing/installation.ts';

const KUBECTL = `${execFileSync(fileURLToPath(new URL('../../e2e/cluster/kube-binary', import.meta.url)), {
  encoding: 'utf8',
}).trim()}/kubectl`;

const API = 'run.googleapis.com/v1';

/** A job from the YAML of its `spec.template`. */
function job(name: string, template: string, metadata: object = {}): Job {
  return {
    apiVersion: API,
    kind: 'Job',
    metadata: { name, namespace: NAMESPACE, ...metadata },
    spec: { template: parse(template) },
  } as Job;
}

const APP =
  '{spec: {taskCount: 10, parallelism: 5, template: {spec: {containers: [{name: load, image: app, args: [all]}]}}}}';

function execution(name: string, of: string, more: object = {}, annotations?: object): Execution {
  const labels = { 'run.googleapis.com/job': of };
  const metadata = { name, namespace: NAMESPACE, labels, annotations };
  return { apiVersion: API, kind: 'Execution', metadata, ...more } as Execution;
}

describe('jobs, the webhook and a real API server', () => {
  const cluster = useInstallation();
  before(async () => {
    await cluster.client.create(JOBS, job('load', APP));
  });

  /** What kubectl prints, on both channels. Not in a synchronous way: the webhook answers in this process. */
  async function kubectl(args: string[], input?: object): Promise<string> {
    const all = ['--kubeconfig', cluster.server.kubeconfig, '-n', NAMESPACE, ...args];
    const child = spawn('sh', ['-c', 'exec "$0" "$@" 2>&1', KUBECTL, ...all]);
    child.stdin.end(input && JSON.stringify(input));
    const [said, [status]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
    if (status !== 0) throw new Error(said);
    return said;
  }

  describe('a job', () => {
    it('gets the defaults of Cloud Run and the names of those who ask', async () => {
      const made = await cluster.client.create(
        JOBS,
        job('filled', '{spec: {template: {spec: {containers: [{image: app}]}}}}', {
          annotations: { 'run.googleapis.com/creator': 'mallory' },
        }),
      );
      assert.deepEqual(made.spec.template.spec, {
        taskCount: 1,
        template: {
          spec: {
            maxRetries: 3,
            timeoutSeconds: 600,
            serviceAccountName: 'default',
            containers: [
              {
                name: 'user-container',
                image: 'app',
                resources: { limits: { cpu: '1000m', memory: '512Mi' } },
              },
            ],
          },
        },
      });
      assert.deepEqual(made.metadata.annotations, {
        'run.googleapis.com/creator': 'admin',
        'run.googleapis.com/lastModifier': 'admin',
      });
    });

    it('stays as it is when the same YAML is applied again, with a timeout as text too', async () => {
      const yaml = (timeout: string) =>
        `{spec: {template: {spec: {timeoutSeconds: ${timeout}, containers: [{image: app, resources: {limits: {cpu: 1000m}}}]}}}}`;
      const apply = (template: string) =>
        cluster.client.apply(JOBS, job('stable', template), { fieldManager: 'kubectl' });
      const first = await apply(yaml("'60'"));
      const second = await apply(yaml("'60'"));
      assert.equal(second.metadata.resourceVersion, first.metadata.resourceVersion);
      const third = await apply(yaml('60'));
      assert.equal(third.metadata.generation, 1, 'it means the same');
      assert.equal(third.spec.template.spec.template.spec.timeoutSeconds, '60', 'as it was written');
    });

    it('comes in again as Cloud Run shows it, with what only the server sets', async () => {
      const template = JSON.stringify({
        metadata: { labels: { 'client.knative.dev/nonce': 'a_b_c' }, annotations: {} },
        spec: {
          taskCount: 1,
          template: {
            spec: { containers: [{ image: 'app', resources: { limits: {} } }], timeoutSeconds: '600' },
          },
        },
      });
      const shown = {
        ...job('shown', template, {
          selfLink: '/apis/run.googleapis.com/v1/namespaces/1/jobs/shown',
          generation: 7,
          creationTimestamp: '2026-01-01T00:00:00.000000Z',
          labels: {
            'cloud.googleapis.com/location': 'europe-west1',
            'run.googleapis.com/lastUpdatedTime': '2026-01-01T00:00:00.000000Z',
          },
        }),
        status: { latestCreatedExecution: {}, executionCount: 3 },
      };
      const said = await kubectl(['apply', '-f', '-'], shown);
      assert.match(said, /job.run.googleapis.com\/shown created/);
      assert.doesNotMatch(said, /warning/i);
      const stored = JSON.parse(await kubectl(['get', 'rj', 'shown', '-o', 'json'])) as Job;
      assert.deepEqual(stored.metadata.labels, { 'cloud.googleapis.com/location': 'europe-west1' });
      assert.equal(stored.metadata.generation, 1);
      assert.equal(stored.status, undefined);
      assert.match(await kubectl(['apply', '-f', '-'], shown), /unchanged|configured/);
      const again = JSON.parse(await kubectl(['get', 'rj', 'shown', '-o', 'json'])) as Job;
      assert.equal(again.metadata.generation, 1);
    });

    it('is rejected with all that is wrong in one answer', async () => {
      const wrong = job(
        'wrong',
        '{spec: {taskCount: 10001, parallelism: 3, template: {spec: {maxRetries: 11, timeoutSeconds: 169h, containers: [{image: A}, {image: b}]}}}}',
        { annotations: { 'homerun.dev/schedule': 'daily' } },
      );
      const { status, details, message } = await rejectionOf(cluster.client.create(JOBS, wrong));
      assert.equal(status, 422);
      assert.deepEqual(details.causes?.map(({ field }) => field).sort(), [
        'metadata.annotations[homerun.dev/schedule]',
        'spec.template.spec.taskCount',
        'spec.template.spec.template.spec.containers[0].image',
        'spec.template.spec.template.spec.maxRetries',
        'spec.template.spec.template.spec.timeoutSeconds',
      ]);
      assert.match(message, /taskCount: is 10001; it must be a whole number from 0 to 10000/);
      assert.match(message, /timeoutSeconds: is "169h"; it must be a whole number of seconds/);
    });

    it('is accepted with a warning where a cluster does otherwise', async () => {
      const template =
        '{metadata: {annotations: {run.googleapis.com/vpc-access-connector: mine}}, spec: {template: {spec: {containers: [{image: app, volumeMounts: [{name: b, mountPath: /b}]}], volumes: [{name: b, csi: {driver: gcsfuse.run.googleapis.com, volumeAttributes: {bucketName: b}}}]}}}}';
      const said = await kubectl(['create', '-f', '-'], job('warned', template));
      assert.match(said, /vpc-access-connector.*has no effect in a cluster/);
      assert.match(said, /spec.template.spec.template.spec.volumes\[0\].csi.driver: needs the CSI driver/);
    });
  });

  describe('an execution made by hand', () => {
    it('takes from its job what it leaves out, and belongs to it', async () => {
      const stored = (await cluster.client.get(JOBS, {
        namespace: NAMESPACE,
        name: 'load',
      })) as Job;
      const made = await cluster.client.create(EXECUTIONS, execution('by-hand', 'load'));
      assert.deepEqual(made.spec, stored.spec.template.spec);
      const { uid = '', resourceVersion } = stored.metadata;
      assert.deepEqual(made.metadata.labels, {
        'run.googleapis.com/job': 'load',
        'run.googleapis.com/jobUid': uid,
        'run.googleapis.com/jobGeneration': '1',
        'run.googleapis.com/jobResourceVersion': resourceVersion,
      });
      assert.deepEqual(
        made.metadata.ownerReferences?.map(({ kind, name, uid, controller }) => [
          kind,
          name,
          uid,
          controller,
        ]),
        [['Job', 'load', uid, true]],
      );
      assert.equal(made.metadata.annotations?.['run.googleapis.com/creator'], 'admin');
    });

    it('gets a name that the API server makes up', async () => {
      const { name: _, ...metadata } = execution('', 'load').metadata;
      const made = await cluster.client.create(EXECUTIONS, {
        ...execution('', 'load'),
        metadata: { ...metadata, generateName: 'load-' } as Execution['metadata'],
      });
      assert.match(made.metadata.name, /^load-.{5}$/);
      assert.equal(made.spec?.taskCount, 10);
    });

    it('does otherwise where it says so', async () => {
      const overrides = {
        containerOverrides: [{ name: 'load', args: ['some'], env: [{ name: 'A', value: 'b' }] }],
        taskCount: 3,
        timeoutSeconds: 30,
      };
      const annotations = { 'homerun.dev/overrides': JSON.stringify(overrides) };
      const spec = { template: { spec: { maxRetries: 0 } } };
      const made = await cluster.client.create(EXECUTIONS, execution('other', 'load', { spec }, annotations));
      assert.equal(made.spec?.taskCount, 3);
      assert.equal(made.spec?.parallelism, 3);
      const task = made.spec?.template?.spec;
      assert.deepEqual([task?.maxRetries, task?.timeoutSeconds], [0, 30]);
      assert.deepEqual(task?.containers?.[0]?.args, ['some']);
      assert.deepEqual(task?.containers?.[0]?.env, [{ name: 'A', value: 'b' }]);
    });

    it('runs the job that was applied a moment before', async () => {
      const list = {
        apiVersion: 'v1',
        kind: 'List',
        items: [job('both', APP), execution('both-1', 'both')],
      };
      assert.match(await kubectl(['apply', '-f', '-'], list), /execution.run.googleapis.com\/both-1 created/);
    });

    it('is rejected without a job, with the name of the one that is missing', async () => {
      const missing = await rejectionOf(cluster.client.create(EXECUTIONS, execution('lost', 'nowhere')));
      assert.equal(missing.status, 422);
      assert.match(missing.message, /labels\[run.googleapis.com\/job\]: is "nowhere"; there is no such job/);
      const bare = { ...execution('lost', ''), metadata: { name: 'lost', namespace: NAMESPACE } };
      assert.match(
        (await rejectionOf(cluster.client.create(EXECUTIONS, bare))).message,
        /labels\[run.googleapis.com\/job\]: must be set to the name of the job to run/,
      );
    });

    it('is rejected of a job that is on its way out', async () => {
      const leaving = job('leaving', APP, { finalizers: ['example.com/wait'] });
      await cluster.client.create(JOBS, leaving);
      await cluster.client.delete(JOBS, leaving.metadata);
      const { message } = await rejectionOf(cluster.client.create(EXECUTIONS, execution('late', 'leaving')));
      assert.match(message, /there is no such job/);
      await cluster.client.mergePatch(JOBS, leaving.metadata, { metadata: { finalizers: null } });
    });

    it('is rejected with what is wrong with its overrides', async () => {
      const overrides = { containerOverrides: [{ name: 'lod', args: ['x'] }], taskCount: 0 };
      const annotations = { 'homerun.dev/overrides': JSON.stringify(overrides) };
      const { message } = await rejectionOf(
        cluster.client.create(EXECUTIONS, execution('wrong', 'load', {}, annotations)),
      );
      assert.match(
        message,
        /overrides\].containerOverrides\[0\].name: is "lod"; there is no such container; the job's containers are load/,
      );
      assert.match(message, /overrides\].taskCount: is 0; it must be a whole number from 1 to 10000/);
    });

    it('never changes again, and stays as it is when the same YAML is sent again', async () => {
      const written = () => execution('fixed', 'load', { spec: { taskCount: 2 } });
      const apply = () => cluster.client.apply(EXECUTIONS, written(), { fieldManager: 'kubectl' });
      const first = await apply();
      const second = await apply();
      assert.equal(second.metadata.resourceVersion, first.metadata.resourceVersion);
      const { resourceVersion } = first.metadata;
      const metadata = { ...written().metadata, resourceVersion };
      const replaced = await cluster.client.replace<Execution>(EXECUTIONS, {
        ...written(),
        metadata,
      });
      assert.equal(replaced.metadata.generation, 1);
      assert.deepEqual(replaced.metadata.ownerReferences, first.metadata.ownerReferences);
      const change = (body: object) => cluster.client.mergePatch(EXECUTIONS, first.metadata, body);
      assert.match(
        (await rejectionOf(change({ spec: { taskCount: 3 } }))).message,
        /an execution is immutable; run its job again/,
      );
      assert.match(
        (await rejectionOf(change({ metadata: { labels: { 'run.googleapis.com/job': 'both' } } }))).message,
        /it is immutable and must be "load"/,
      );
      await change({ metadata: { annotations: { 'homerun.dev/cancel': 'true' } } });
      assert.match(
        (await rejectionOf(change({ metadata: { annotations: { 'homerun.dev/cancel': 'now' } } }))).message,
        /cancel\]: is "now"; it must be true or false/,
      );
    });
  });

  describe('kubectl', () => {
    it('means the jobs of batch/v1 by `jobs`, and ours by their short names', async () => {
      const batch = {
        apiVersion: 'batch/v1',
        kind: 'Job',
        metadata: { name: 'of-kubernetes' },
        spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'a', image: 'a' }] } } },
      };
      await kubectl(['create', '-f', '-'], batch);
      const names = async (resource: string) =>
        (await kubectl(['get', resource, '-o', 'name'])).trim().split('\n');
      for (const resource of ['job', 'jobs', 'jobs.batch']) {
        assert.deepEqual(await names(resource), ['job.batch/of-kubernetes'], resource);
      }
      for (const resource of ['rj', 'crjob', 'jobs.run.googleapis.com', 'job.run.googleapis.com']) {
        assert.ok((await names(resource)).includes('job.run.googleapis.com/load'), resource);
      }
      for (const resource of ['execution', 'executions', 'exec', 'crexec']) {
        assert.ok((await names(resource)).includes('execution.run.googleapis.com/by-hand'), resource);
      }
      const both = await kubectl(['get', 'all']);
      assert.match(both, /^job.batch\/of-kubernetes/m);
      assert.match(both, /^job.run.googleapis.com\/load/m);
    });

    it('prints useful columns', async () => {
      const made = await cluster.client.create(EXECUTIONS, execution('printed', 'load'));
      const status = {
        runningCount: 1,
        succeededCount: 6,
        failedCount: 3,
        duration: '4.2s',
        conditions: [{ type: 'Completed', status: 'False', reason: 'NonZeroExitCode' }],
      };
      await cluster.client.mergePatch(EXECUTIONS, made.metadata, { status }, { subresource: 'status' });
      const [head = '', line = ''] = (await kubectl(['get', 'exec', 'printed'])).split('\n');
      assert.deepEqual(
        head.split(/\s{2,}/).map((column) => column.trim()),
        ['NAME', 'JOB', 'TASKS', 'RUNNING', 'SUCCEEDED', 'FAILED', 'COMPLETED', 'REASON', 'AGE', 'DURATION'],
      );
      assert.match(line, /^printed +load +10 +1 +6 +3 +False +NonZeroExitCode +\S+ +4.2s/);
      const [columns = ''] = (await kubectl(['get', 'rj', 'load'])).split('\n');
      assert.match(columns, /^NAME +TASKS +EXECUTIONS +LATEST +STATUS +LAST RUN +READY +REASON +AGE/);
    });

    it('waits for an execution', async () => {
      const made = await cluster.client.create(EXECUTIONS, execution('awaited', 'load'));
      const status = { conditions: [{ type: 'Completed', status: 'True' }] };
      await cluster.client.mergePatch(EXECUTIONS, made.metadata, { status }, { subresource: 'status' });
      const said = await kubectl(['wait', '--for=condition=Completed', 'execution/awaited', '--timeout=30s']);
      assert.match(said, /condition met/);
    });

    it('rejects fields that Cloud Run does not know, and names them', async () => {
      const wrong = job(
        'unknown',
        '{spec: {template: {spec: {restartPolicy: Never, containers: [{image: a}]}}}}',
      );
      await assert.rejects(
        kubectl(['apply', '-f', '-'], wrong),
        /unknown field "spec.template.spec.template.spec.restartPolicy"/,
      );
    });
  });
});
