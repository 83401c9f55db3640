import { deepEqual, equal, ok } from 'node:assert/strict';
import { parseConfig } from '../../config.ts';
import { assertGolden } from '../../testing/golden.ts';
import { buildJob } from './job.ts';
import type { BuildRequest } from './request.ts';

const ID = '11111111-2222-4333-8444-555555555555';
const request: BuildRequest = {
  source: { bucket: 'run-sources-demo-local-cluster1', name: 'services/hello/1.zip', generation: '17' },
  image: 'local-cluster1-docker.pkg.dev/demo/cloud-run-source-deploy/hello',
  tags: ['service_hello'],
};
const build = { enabled: true, registry: 'registry.test:5000/homerun' };
const golden = (name: string) => new URL(`./golden/${name}.golden.yaml`, import.meta.url);
const made = (settings: object, asked = request) =>
  buildJob(ID, 'demo', asked, parseConfig({ build: { ...build, ...settings } }));

describe('the Job of a build', () => {
  it('runs BuildKit without root where there is a Dockerfile', () => {
    const insecure = ['registry.test:5000'];
    const config = parseConfig({ build: { ...build, pushSecret: 'registry' }, registry: { insecure } });
    assertGolden(golden('dockerfile'), buildJob(ID, 'demo', request, config));
  });

  it('runs the lifecycle of a builder where there is none', () => {
    const builder = { image: 'builder:1', runAsUser: 1001, runAsGroup: 1002 };
    const variables = { GOOGLE_FUNCTION_TARGET: 'main', A: 'b' };
    assertGolden(golden('buildpacks'), made({ builder }, { ...request, variables }));
  });

  it('gives its volumes no group, which folders of the image would inherit with the bit setgid', () => {
    const builder = { image: 'builder:1' };
    for (const asked of [request, { ...request, variables: {} }])
      equal(made({ builder }, asked).spec?.template.spec?.securityContext, undefined);
  });

  it('keeps no layers where the chart says so', () => {
    const args = made({ cache: false }).spec?.template.spec?.containers[0]?.args ?? [];
    ok(args.every((arg) => !arg.includes('cache')));
  });

  it('keeps no layers of buildpacks in a registry over plain HTTP, which the lifecycle asks for them with TLS', () => {
    const insecure = ['registry.test:5000'];
    const config = parseConfig({
      build: { ...build, builder: { image: 'builder:1' } },
      registry: { insecure },
    });
    const job = buildJob(ID, 'demo', { ...request, variables: {} }, config);
    const args = job.spec?.template.spec?.containers[0]?.args ?? [];
    ok(args.includes('-insecure-registry=registry.test:5000'));
    ok(args.every((arg) => !arg.includes('cache')));
  });

  it('keeps layers under one tag for all tags of an image', () => {
    const tagged = made({}, { ...request, image: `${request.image}:v1` });
    const cache = tagged.spec?.template.spec?.containers[0]?.args?.find((arg) =>
      arg.includes('import-cache'),
    );
    equal(
      cache,
      '--import-cache=type=registry,ref=registry.test:5000/homerun/demo/cloud-run-source-deploy/hello:homerun-cache-buildkit',
    );
  });

  it('gives the pod the time of the build, and the Job that in the queue besides', () => {
    const { spec } = made({ timeoutSeconds: 60.5, queueSeconds: 30, keepSeconds: 90 });
    deepEqual(
      [
        spec?.template.spec?.activeDeadlineSeconds,
        spec?.activeDeadlineSeconds,
        spec?.ttlSecondsAfterFinished,
      ],
      [61, 91, 90],
    );
  });

  it('takes no part of a name for a reference', () => {
    const name = 'services/$(HOME)/1.zip';
    const { spec } = made({}, { ...request, source: { ...request.source, name } });
    const [unpack] = spec?.template.spec?.initContainers ?? [];
    ok(unpack?.args?.some((arg) => arg.includes('services/$$(HOME)/1.zip')));
  });
});
