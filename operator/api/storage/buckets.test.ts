import { equal, throws } from 'node:assert/strict';
import type { ApiError } from '../errors.ts';
import { bucketOf, namespaceOfBucket } from './buckets.ts';

const config = (projectId = '{namespace}', namespaces: string[] = []) => ({
  namespaces,
  metadata: { region: 'local', projectId, projectNumbers: {} },
});

const cases: Record<
  string,
  { reason: string; template?: string; project: string; bucket: string; namespace: string }
> = {
  'a namespace': {
    reason: 'it is the project',
    project: 'demo',
    bucket: 'run-sources-demo-local',
    namespace: 'demo',
  },
  'a project ID': {
    reason: 'the template counts',
    template: 'acme-{namespace}-x',
    project: 'acme-demo-x',
    bucket: 'run-sources-acme-demo-x-local',
    namespace: 'demo',
  },
  'a namespace where there is a template': {
    reason: 'it is known by its name too',
    template: 'acme-{namespace}',
    project: 'demo',
    bucket: 'run-sources-demo-local',
    namespace: 'demo',
  },
  'a project of a domain': {
    reason: 'gcloud: no colons and dots in a bucket',
    template: 'acme.com:{namespace}',
    project: 'acme.com:demo',
    bucket: 'run-sources-acme_com_demo-local',
    namespace: 'demo',
  },
  'a name with google': {
    reason: 'gcloud: buckets must not have it',
    project: 'my-google-x',
    bucket: 'run-sources-my-elgoog-x-local',
    namespace: 'my-google-x',
  },
  'a name like a region': {
    reason: 'only the end counts',
    project: 'a-local',
    bucket: 'run-sources-a-local-local',
    namespace: 'a-local',
  },
};

describe('the bucket of a project', () => {
  for (const [name, { reason, template, project, bucket, namespace }] of Object.entries(cases)) {
    it(`${name}: ${reason}`, () => {
      equal(bucketOf(project, config(template)), bucket);
      equal(namespaceOfBucket(bucket, config(template)), namespace);
    });
  }

  const others = [
    '',
    'x',
    'run-sources-local',
    'run-sources--local',
    'run-sources-demo-other',
    'run-sources-my-google-local',
    'run-sources-../x-local',
    'run-sources-DEMO-local',
  ];
  for (const bucket of others) {
    it(`'${bucket}' is none`, () => {
      throws(
        () => namespaceOfBucket(bucket, config()),
        (error: ApiError) => error.code === 'NOT_FOUND',
      );
    });
  }

  it('is none of a namespace that is not served', () => {
    const served = config(undefined, ['other']);
    throws(
      () => namespaceOfBucket('run-sources-demo-local', served),
      (error: ApiError) => error.code === 'PERMISSION_DENIED',
    );
  });
});
