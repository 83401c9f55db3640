import { deepEqual, match } from 'node:assert/strict';
import { gcloudTarget, NAMESPACE, REGION } from '../../operator/api/testing/installation.ts';
import { useReadyApi } from '../../operator/api/testing/readiness.ts';
import { grant, installRoles } from '../../operator/api/testing/roles.ts';
import { JOBS } from '../../operator/apis/run/job/types.ts';
import { WORKER_POOLS } from '../../operator/apis/run/workerPool/types.ts';
import { SERVICES } from '../../operator/apis/serving/service/types.ts';
import { ROLE_BINDINGS } from '../../operator/kube/core.ts';
import type { KubeObject, ResourceType } from '../../operator/kube/types.ts';
import { EXISTING, REFUSALS } from './refusals.ts';
import { EXCEPTIONS } from './support.ts';
import { type Tofu, tofuFor } from './tofu.ts';

/** The name of a resource in the configuration, which says what is tried. */
const nameOf = (path: string) => path.replaceAll('.', '-').replaceAll('_', '-');

/** All attempts in one configuration: OpenTofu tries each of them, whatever becomes of the others. */
const CONFIGURATION = Object.fromEntries(
  Object.entries(REFUSALS).map(([type, attempts]) => {
    const named = type.includes('_iam_') ? () => ({}) : (path: string) => ({ name: nameOf(path) });
    const resources = Object.entries(attempts).map(([path, { resource }]) => [
      nameOf(path),
      { location: REGION, ...named(path), ...resource },
    ]);
    return [type, Object.fromEntries(resources)];
  }),
);

const CONTAINERS = { containers: [{ image: 'gcr.io/shop/web:1' }] };
const OBJECTS: readonly { type: ResourceType; spec: object }[] = [
  { type: SERVICES, spec: { template: { spec: CONTAINERS } } },
  { type: WORKER_POOLS, spec: { template: { spec: CONTAINERS } } },
  { type: JOBS, spec: { template: { spec: { template: { spec: CONTAINERS } } } } },
];

describe('what the Google provider of Terraform is refused by the Admin API', function () {
  this.timeout(600_000);
  const installation = useReadyApi();
  let tofu: Tofu;
  let errors: Map<string, string>;
  before(async () => {
    const { client } = installation;
    await installRoles(installation);
    await grant(installation, 'editor', 'homerun-run.admin');
    for (const { type, spec } of OBJECTS) {
      const { apiVersion, kind } = type;
      const metadata = { name: EXISTING, namespace: NAMESPACE };
      await client.create(type, { apiVersion, kind, metadata, spec } as KubeObject);
    }
    tofu = tofuFor(gcloudTarget(installation), CONFIGURATION);
    errors = await tofu.refused();
  });
  after(() => tofu?.remove());

  for (const [type, attempts] of Object.entries(REFUSALS)) {
    for (const [path, { says }] of Object.entries(attempts)) {
      it(`${type} with ${path}`, () => {
        match(errors.get(`${type}.${nameOf(path)}`) ?? 'no error', says);
      });
    }
  }

  it('is nothing else than what was tried', () => {
    const tried = Object.entries(CONFIGURATION).flatMap(([type, named]) =>
      Object.keys(named).map((name) => `${type}.${name}`),
    );
    deepEqual([...errors.keys()].sort(), tried.sort());
  });

  it('leaves nothing behind', async () => {
    deepEqual(await tofu.resources(), []);
    for (const { type } of OBJECTS) {
      const { items } = await installation.client.list(type, { namespace: NAMESPACE });
      deepEqual(
        items.map(({ metadata }) => metadata.name),
        [EXISTING],
        type.plural,
      );
    }
    const bindings = await installation.client.list(ROLE_BINDINGS, {
      labelSelector: 'homerun.dev/iam-resource',
    });
    deepEqual(bindings.items, []);
  });

  it('has each argument among it that docs/terraform.md lists as refused', () => {
    for (const [type, exceptions] of Object.entries(EXCEPTIONS)) {
      const listed = Object.entries(exceptions).filter(([, { result }]) => result === 'refused');
      const tried = REFUSALS[type] ?? {};
      deepEqual(
        listed.map(([path]) => path).filter((path) => !(path in tried)),
        [],
        type,
      );
    }
  });
});
