import assert from 'node:assert/strict';
import { defaultJob } from './defaults.ts';
import { jobOf, SIDECAR } from './errorCases.ts';

type Parts = Parameters<typeof jobOf>[0];

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

  const notations: Record<string, { reason: string; stored: Parts; sent: Parts }> = {
    'a timeout as a text': {
      reason: "Google's JSON writes 64-bit integers so",
      stored: { task: '{timeoutSeconds: 60}' },
      sent: { task: "{timeoutSeconds: '60'}" },
    },
    'metadata of a template that has none': {
      reason: 'the API v1 always shows them, and clients write back what they have read',
      stored: {},
      sent: { template: '{}' },
    },
    'no metadata of a template whose metadata are empty': {
      reason: 'both say the same',
      stored: { template: '{}' },
      sent: {},
    },
  };
  for (const [name, { reason, stored, sent }] of Object.entries(notations)) {
    it(`keep what is stored when it comes back with ${name}: ${reason}`, () => {
      const previous = defaultJob(jobOf(stored));
      assert.deepEqual(defaultJob(jobOf(sent), previous), previous);
    });
  }
});
