import assert from 'node:assert/strict';
import { RUN } from '../../apis/annotations/run.ts';
import { batchJobName } from '../../apis/names.ts';
import { executionOf } from '../../apis/run/execution/fromJob.ts';
import type { Overrides } from '../../apis/run/execution/overrides.ts';
import { parseConfig } from '../../config.ts';
import { assertGolden } from '../../testing/golden.ts';
import { execution, job } from '../../testing/jobs.ts';
import { PINNED } from '../../testing/serving.ts';
import { desiredBatchJob } from './batchJob.ts';

const config = parseConfig({ instance: { cpuRequestFraction: 0.5 } });
const golden = (name: string) => new URL(`./golden/${name}.golden.yaml`, import.meta.url);
const images = (...names: string[]) => new Map(names.map((name) => [name, PINNED]));

describe('batch/v1 Job of an execution', () => {
  it('is as small as the execution allows', () => {
    assertGolden(golden('simple'), desiredBatchJob(execution(), images('user-container'), config));
  });

  it('has all that an execution can ask for', () => {
    const rich = execution({
      execution: { taskCount: 20, parallelism: 5 },
      annotations: {
        'run.googleapis.com/container-dependencies': '{"main":["proxy"]}',
        'run.googleapis.com/execution-environment': 'gen2',
        'example.com/team': 'blue',
      },
      task: {
        maxRetries: 0,
        timeoutSeconds: '7200',
        serviceAccountName: 'runner@demo.iam.gserviceaccount.com',
        containers: [
          {
            name: 'main',
            image: 'app',
            args: ['--once'],
            env: [{ name: 'KEY', valueFrom: { secretKeyRef: { name: 'API_KEY', key: 'latest' } } }],
            volumeMounts: [{ name: 'scratch', mountPath: '/scratch' }],
          },
          { name: 'proxy', image: 'proxy', startupProbe: { tcpSocket: { port: 5432 } } },
        ],
        volumes: [{ name: 'scratch', emptyDir: { sizeLimit: '64Mi' } }],
      },
    });
    const access = { address: '10.96.0.9', linkLocal: false };
    assertGolden(golden('rich'), desiredBatchJob(rich, images('main', 'proxy'), config, access));
  });

  it('tries each task as often as the job says: three times more by default, 0 is none, overrides leave it', () => {
    const retries = (maxRetries: number | undefined, overrides?: Overrides) => {
      const made = executionOf(job({ task: { maxRetries } }), { name: 'hello-abc', overrides });
      return desiredBatchJob(made, new Map(), config).spec?.backoffLimitPerIndex;
    };
    assert.deepEqual([retries(undefined), retries(0), retries(1)], [3, 0, 1]);
    assert.deepEqual([retries(undefined, { taskCount: 2 }), retries(0, { taskCount: 2 })], [3, 0]);
  });

  it('runs no more tasks at once than the chart allows, and never more than there are', () => {
    const parallelism = (taskCount: number, wanted?: number) =>
      desiredBatchJob(execution({ execution: { taskCount, parallelism: wanted } }), new Map(), config).spec
        ?.parallelism;
    assert.deepEqual(
      [parallelism(10_000), parallelism(10), parallelism(10, 0), parallelism(10, 4)],
      [1000, 10, 10, 4],
    );
  });

  it('leaves a label `app` that a person has set as it is: they select by it', () => {
    const labelled = execution();
    labelled.metadata.labels = { ...labelled.metadata.labels, app: 'shop' };
    const { spec } = desiredBatchJob(labelled, new Map(), config);
    assert.equal(spec?.template.metadata?.labels?.app, 'shop');
  });

  it('runs in gen2, for which the chart may name a RuntimeClass, whatever the annotation says', () => {
    const classes = parseConfig({ instance: { runtimeClasses: { gen1: 'gvisor', gen2: 'kata' } } });
    for (const environment of [undefined, 'gen1', 'gen2']) {
      const asked = execution();
      if (environment) asked.metadata.annotations = { [RUN.executionEnvironment]: environment };
      const { spec } = desiredBatchJob(asked, new Map(), classes);
      assert.equal(spec?.template.spec?.runtimeClassName, 'kata');
    }
  });

  it('has a name that Kubernetes can append the highest index to', () => {
    const long = `${'a'.repeat(60)}-x`;
    assert.equal(batchJobName('hello-abc'), 'hello-abc');
    assert.ok(`${batchJobName(long)}-9999`.length <= 63);
    assert.notEqual(batchJobName(long), batchJobName(`${long.slice(0, -1)}y`));
  });
});
