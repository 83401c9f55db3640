import assert from 'node:assert/strict';
import { defaultJob } from './defaults.ts';
import { jobOf, SIDECAR } from './errorCases.ts';

describe('defaults of a job', () => {
  it('are those of Cloud Run', () => {
    assert.deepEqual(defaultJob(jobOf({})).spec.template.spec, {
      taskCount: 1,
      template: {
        spec: {
          containers: [
            {
              name: 'user-container',
              image: 'gcr.io/p/app',
              resources: { limits: { cpu: '1000m', memory: '512Mi' } },
            },
          ],
          maxRetries: 3,
          timeoutSeconds: 600,
          serviceAccountName: 'default',
        },
      },
    });
  });

  it('are filled in once, and leave alone what is written', () => {
    const written = jobOf({
      execution: '{taskCount: 5, parallelism: 0}',
      template: SIDECAR,
      task: "{maxRetries: 0, timeoutSeconds: '60', volumes: [{name: v, secret: {secretName: s}}]}",
      container: '{name: main, startupProbe: {tcpSocket: {port: 1}}}',
      more: '[{name: side, image: b}]',
    });
    const once = defaultJob(written);
    assert.deepEqual(defaultJob(once), once);
    const { taskCount, parallelism, template } = once.spec.template.spec;
    const { maxRetries, timeoutSeconds } = template.spec;
    assert.deepEqual([taskCount, parallelism, maxRetries, timeoutSeconds], [5, 0, 0, '60']);
  });
});
