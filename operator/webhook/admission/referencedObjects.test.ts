import assert from 'node:assert/strict';
import type { KubeObject } from '../../kube/types.ts';
import { objectOf, requestFor } from '../testing/requests.ts';
import { lookUpReferenced } from './referencedObjects.ts';

const JOB = objectOf('spec: {template: {spec: {template: {spec: {containers: [{image: a}]}}}}}', 'Job');
const LABELLED = 'metadata: {labels: {run.googleapis.com/job: load}}';
const COMPLETE =
  'spec: {taskCount: 1, template: {spec: {maxRetries: 3, timeoutSeconds: 600, serviceAccountName: default, containers: [{name: a, image: a}]}}}';

interface Case {
  object: unknown;
  oldObject?: unknown;
  kind?: string;
  stored?: KubeObject;
  /** Whether the API server is asked for a job, and what is known then. */
  asked: boolean;
  job?: KubeObject;
  reason: string;
}

const execution = (yaml: string) => objectOf(yaml, 'Execution');

const CASES: Record<string, Case> = {
  'a new execution': {
    object: execution(LABELLED),
    stored: JOB,
    asked: true,
    job: JOB,
    reason: 'its unset fields are those of its job',
  },
  'an execution of a job that does not exist': {
    object: execution(LABELLED),
    asked: true,
    reason: 'which is known then',
  },
  'an execution of a job on its way out': {
    object: execution(LABELLED),
    stored: { ...JOB, metadata: { ...JOB.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } },
    asked: true,
    reason: 'it would go with it',
  },
  'a change of an execution that lacks something': {
    object: execution(LABELLED),
    oldObject: execution(LABELLED),
    stored: JOB,
    asked: true,
    job: JOB,
    reason: 'it was stored while the webhook was down',
  },
  'a change of a complete execution': {
    object: execution(`${LABELLED}\n${COMPLETE}`),
    oldObject: execution(COMPLETE),
    asked: false,
    reason: 'its job does not matter any more',
  },
  'an execution without a job': {
    object: execution('{}'),
    asked: false,
    reason: 'there is no name to ask for',
  },
  'nonsense in place of metadata': {
    object: { metadata: null },
    asked: false,
    reason: 'validation reports it',
  },
  'nonsense in place of labels': {
    object: { metadata: { labels: { 'run.googleapis.com/job': 1 } } },
    asked: false,
    reason: 'validation reports it',
  },
  'another kind': { object: JOB, kind: 'Job', asked: false, reason: 'a job stands by itself' },
};

describe('objects that admission looks up', () => {
  for (const [name, { object, oldObject, kind = 'Execution', stored, asked, job, reason }] of Object.entries(
    CASES,
  )) {
    it(`of ${name}: ${reason}`, async () => {
      const questions: unknown[] = [];
      const client = {
        get: async (_type: unknown, ref: unknown) => {
          questions.push(ref);
          return stored as never;
        },
        list: () => assert.fail('no list is asked for'),
      };
      const known = await lookUpReferenced(requestFor(object, { kind, oldObject }), client);
      assert.deepEqual(questions, asked ? [{ namespace: 'demo', name: 'load' }] : []);
      assert.deepEqual(known, asked ? { job: { job } } : undefined);
    });
  }
});

describe('objects that admission looks up for a worker pool', () => {
  const pool = (splits: string, name = 'queue') =>
    objectOf(`metadata: {name: ${JSON.stringify(name)}}\nspec: {instanceSplits: ${splits}}`, 'WorkerPool');
  const named = '[{revisionName: queue-a, percent: 100}]';
  const cases: Record<string, { object: unknown; oldObject?: unknown; asked: boolean; reason: string }> = {
    'that names a revision': { object: pool(named), asked: true, reason: 'it must be there' },
    'that names another one': {
      object: pool(named),
      oldObject: pool('[{revisionName: queue-b, percent: 100}]'),
      asked: true,
      reason: 'it must be there',
    },
    'that names the same one': {
      object: pool('[{revisionName: queue-a, percent: 100}]'),
      oldObject: pool(named),
      asked: false,
      reason: 'it was there, and is not collected',
    },
    'that names none': {
      object: pool('[{latestRevision: true, percent: 100}]'),
      asked: false,
      reason: 'the usual',
    },
    'with a name that is none': { object: pool(named, 'a,b'), asked: false, reason: 'validation reports it' },
    'with nonsense for splits': { object: pool('[null, 1]'), asked: false, reason: 'validation reports it' },
    'with nonsense for metadata': {
      object: { metadata: null, spec: { instanceSplits: [{ revisionName: 'a' }] } },
      asked: false,
      reason: 'validation reports it',
    },
  };
  for (const [name, { object, oldObject, asked, reason }] of Object.entries(cases)) {
    it(`${name}: ${reason}`, async () => {
      const questions: unknown[] = [];
      const client = {
        get: () => assert.fail('no object is asked for'),
        list: async (_type: unknown, options: unknown) => {
          questions.push(options);
          return {
            items: [objectOf('metadata: {name: queue-b}', 'Revision')] as never[],
            resourceVersion: '1',
          };
        },
      };
      const known = await lookUpReferenced(requestFor(object, { kind: 'WorkerPool', oldObject }), client);
      const labelSelector = 'run.googleapis.com/workerPool=queue';
      assert.deepEqual(questions, asked ? [{ namespace: 'demo', labelSelector }] : []);
      assert.deepEqual(known, asked ? { revisions: ['queue-b'] } : undefined);
    });
  }
});
