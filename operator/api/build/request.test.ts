import { deepEqual, throws } from 'node:assert/strict';
import { parseConfig } from '../../config.ts';
import type { ApiError, FieldViolation } from '../errors.ts';
import { readCreation } from './creation.ts';
import { type BuildPlace, readSubmission } from './request.ts';

const BUCKET = 'run-sources-demo-local-cluster1';
const IMAGE = 'local-cluster1-docker.pkg.dev/demo/cloud-run-source-deploy/hello';
const place: BuildPlace = { namespace: 'demo', bucket: BUCKET, config: parseConfig({}) };
const storageSource = { bucket: BUCKET, object: 'services/hello/1.zip', generation: '17' };
const docker = { storageSource, imageUri: IMAGE, dockerBuild: {}, tags: ['service_hello'] };
const source = { bucket: BUCKET, name: 'services/hello/1.zip', generation: '17' };

function fieldsOf(act: () => unknown): string[] {
  let fields: string[] = [];
  throws(act, ({ code, details }: ApiError) => {
    const [{ fieldViolations = [] } = {}] = details as { fieldViolations?: FieldViolation[] }[];
    fields = fieldViolations.map(({ field }) => field);
    return code === 'INVALID_ARGUMENT';
  });
  return fields;
}

describe('requests to build', () => {
  it('from a Dockerfile', () => {
    deepEqual(readSubmission(docker, place), { source, image: IMAGE, tags: ['service_hello'] });
  });

  it('with buildpacks, whose target is a variable of the environment', () => {
    const { dockerBuild: _, ...rest } = docker;
    const buildpackBuild = {
      // What gcloud sends always.
      baseImage: 'gcr.io/buildpacks/google-22/run',
      functionTarget: 'main',
      environmentVariables: { A: 'b' },
    };
    deepEqual(readSubmission({ ...rest, buildpackBuild }, place).variables, {
      A: 'b',
      GOOGLE_FUNCTION_TARGET: 'main',
    });
  });

  const refusals: Record<string, { reason: string; change: object; fields: string[] }> = {
    'neither form': { reason: 'nothing says how', change: { dockerBuild: undefined }, fields: ['buildType'] },
    'no source': {
      reason: 'there is nothing to build',
      change: { storageSource: undefined },
      fields: ['storageSource.object'],
    },
    "another project's source": {
      reason: 'it may be secret',
      change: { storageSource: { ...storageSource, bucket: 'run-sources-other-local-cluster1' } },
      fields: ['storageSource.bucket'],
    },
    "another project's image": {
      reason: 'its services would run it',
      change: { imageUri: IMAGE.replace('demo', 'other') },
      fields: ['imageUri'],
    },
    'an image elsewhere': {
      reason: 'the credentials are for one registry',
      change: { imageUri: 'ghcr.io/acme/hello' },
      fields: ['imageUri'],
    },
    'an image with a digest': {
      reason: 'a build makes it',
      change: { imageUri: `${IMAGE}@sha256:${'a'.repeat(64)}` },
      fields: ['imageUri'],
    },
    'what has no meaning': {
      reason: 'it would be left out silently',
      change: { workerPool: 'p', serviceAccount: 's', machineType: 'E2_HIGHCPU_8' },
      fields: ['workerPool', 'serviceAccount', 'machineType'],
    },
    'a base image': {
      reason: 'the builder has its own',
      change: { dockerBuild: undefined, buildpackBuild: { baseImage: 'nodejs24' } },
      fields: ['buildpackBuild.baseImage'],
    },
    'a tag that is none': { reason: 'Cloud Build: tags', change: { tags: ['a b'] }, fields: ['tags[0]'] },
    'a variable that is a path': {
      reason: 'variables are files for the lifecycle',
      change: { dockerBuild: undefined, buildpackBuild: { environmentVariables: { '../x': '' } } },
      fields: ['buildpackBuild.environmentVariables'],
    },
    'too large an environment': {
      reason: 'annotations have a limit',
      change: {
        dockerBuild: undefined,
        buildpackBuild: { environmentVariables: { A: 'x'.repeat(40_000) } },
      },
      fields: ['buildpackBuild.environmentVariables'],
    },
  };
  for (const [name, { reason, change, fields }] of Object.entries(refusals)) {
    it(`are refused with ${name}: ${reason}`, () => {
      deepEqual(
        fieldsOf(() => readSubmission({ ...docker, ...change }, place)),
        fields,
      );
    });
  }
});

describe("builds as Cloud Build's API has them", () => {
  const args = ['build', '--network', 'cloudbuild', '--no-cache', '-t', IMAGE, '.'];
  const step = { name: 'gcr.io/cloud-builders/docker', args };
  const build = { source: { storageSource }, steps: [step], images: [IMAGE], tags: ['gcloud'] };

  it('are read as gcloud builds submit --tag makes them', () => {
    deepEqual(readCreation(build, place), { source, image: IMAGE, tags: ['gcloud'] });
  });

  it('are read as gcloud builds submit --pack makes them', () => {
    const pack = {
      name: 'gcr.io/k8s-skaffold/pack',
      entrypoint: 'pack',
      args: ['build', IMAGE, '--env', 'A=b=c', '--env', 'D=e'],
    };
    deepEqual(readCreation({ ...build, steps: [pack] }, place).variables, { A: 'b=c', D: 'e' });
  });

  const refusals: Record<string, { reason: string; body: unknown; field: string }> = {
    nothing: { reason: 'there is no step', body: undefined, field: 'steps' },
    'a step of its own': {
      reason: 'it is any image',
      body: { ...build, steps: [{ name: 'bash' }] },
      field: 'steps',
    },
    'two steps': { reason: 'only one is known', body: { ...build, steps: [step, step] }, field: 'steps' },
    'a build without a name for the image': {
      reason: 'it is pushed nowhere',
      body: { ...build, steps: [{ ...step, args: ['build', '.'] }] },
      field: 'steps',
    },
    'another image': { reason: 'it would not be pushed', body: { ...build, images: ['x'] }, field: 'images' },
  };
  for (const [name, { reason, body, field }] of Object.entries(refusals)) {
    it(`are refused with ${name}: ${reason}`, () => {
      deepEqual(
        fieldsOf(() => readCreation(body, place)),
        [field],
      );
    });
  }
});
