import { envOf } from '../../lib/jobs.ts';
import type { Case } from './case.ts';

/** Containers beside that of a task, which neither hold nor fail it (kubernetes/kubernetes#25908). */
export const SIDECAR_CASES: Record<string, Case> = {
  sidecar: {
    reason: 'a container that the main one waits for starts first, and ends with it',
    job: {
      container: {
        name: 'main',
        env: envOf({ AWAIT_FILE: '/shared/ready' }),
        volumeMounts: [{ name: 'shared', mountPath: '/shared' }],
      },
      others: [
        {
          name: 'helper',
          env: envOf({ WRITE_FILE: '/shared/ready', SLEEP_MS: '600000' }),
          volumeMounts: [{ name: 'shared', mountPath: '/shared' }],
        },
      ],
      volumes: [{ name: 'shared', emptyDir: {} }],
      executionAnnotations: { 'run.googleapis.com/container-dependencies': '{"main":["helper"]}' },
    },
    want: { completed: 'True', counts: [1, 0, 0, 0], attempts: ['0.0'] },
  },
  'sidecar-fails-last': {
    reason: 'how a sidecar ends after the main container does not matter',
    job: {
      container: { name: 'main' },
      others: [{ name: 'helper', env: envOf({ SLEEP_MS: '600000', IGNORE_TERM: '1' }) }],
      executionAnnotations: { 'run.googleapis.com/container-dependencies': '{"main":["helper"]}' },
    },
    want: { completed: 'True', counts: [1, 0, 0, 0], attempts: ['0.0'] },
  },
  'sidecar-ends-first': {
    reason: 'a sidecar that ends before its task is restarted, and fails nothing',
    job: {
      container: { name: 'main', env: envOf({ SLEEP_MS: '5000' }) },
      others: [{ name: 'helper', env: envOf({ SLEEP_MS: '500' }) }],
      executionAnnotations: { 'run.googleapis.com/container-dependencies': '{"main":["helper"]}' },
    },
    want: { completed: 'True', counts: [1, 0, 0, 0], attempts: ['0.0'] },
  },
  'sidecar-crashes-once': {
    reason: 'a sidecar that crashes at its start is started again; the task waits, and does not fail',
    job: {
      container: { name: 'main' },
      others: [
        {
          name: 'helper',
          env: envOf({ TASK: '0', EXIT_ONCE: '/shared/crashed' }),
          startupProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1, failureThreshold: 60 },
          volumeMounts: [{ name: 'shared', mountPath: '/shared' }],
        },
      ],
      volumes: [{ name: 'shared', emptyDir: {} }],
      executionAnnotations: { 'run.googleapis.com/container-dependencies': '{"main":["helper"]}' },
    },
    want: { completed: 'True', counts: [1, 0, 0, 0], attempts: ['0.0'] },
  },
  'sidecar-of-a-failure': {
    reason: 'the reported exit code is that of the main container',
    job: {
      container: { name: 'main', env: envOf({ FAIL_CODE: '3' }) },
      others: [{ name: 'helper', env: envOf({ SLEEP_MS: '600000' }) }],
      executionAnnotations: { 'run.googleapis.com/container-dependencies': '{"main":["helper"]}' },
    },
    want: { completed: 'False', message: /failed with exit code: 3/, attempts: ['0.0'] },
  },
};
