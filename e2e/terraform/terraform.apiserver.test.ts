import { deepEqual, equal, ok } from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { gcloudTarget, NAMESPACE, REGION } from '../../operator/api/testing/installation.ts';
import { useReadyApi } from '../../operator/api/testing/readiness.ts';
import { grant, installRoles } from '../../operator/api/testing/roles.ts';
import { KINDS } from '../../operator/apis/kinds.ts';
import { ROLE_BINDINGS } from '../../operator/kube/core.ts';
import { argumentsOf, configuredArguments, tables } from './schema.ts';
import { EXCEPTIONS, exceptionOf } from './support.ts';
import { type Configured, type Resource, type Tofu, tofuFor } from './tofu.ts';

/** What the outputs of each configuration show of its data sources. */
const CONFIGURATIONS: Record<string, object> = {
  services: {
    uri: 'https://full.demo.example.test',
    policy: [{ role: 'roles/run.invoker', members: ['allUsers'] }],
  },
  jobs: { tasks: 4, policy: [{ role: 'roles/run.invoker', members: ['user:bob@example.test'] }] },
  'worker-pools': { count: 2, policy: [{ role: 'roles/run.viewer', members: ['user:bob@example.test'] }] },
  'services-v1': {
    url: 'https://full.demo.example.test',
    policy: [{ role: 'roles/run.invoker', members: ['allUsers'] }],
    locations: [REGION],
  },
};

const DOCUMENT = new URL('../../docs/terraform.md', import.meta.url);

/** What the provider does not import: what is its own, and labels and annotations (its own tests, ImportStateVerifyIgnore). */
const NOT_IMPORTED = [
  ...['deletion_policy', 'deletion_protection', 'autogenerate_revision_name'],
  ...['annotations', 'labels', 'metadata', 'terraform_labels'],
  // For force_override of a domain mapping, which is made anew then.
  'spec',
];

/** The name under which the provider imports a resource (its documentation, Import). */
function importId({ type, values }: Resource): string {
  const { project, location, name, service = name, role, member } = values;
  const [, kind] = /^google_cloud_run(?:_v2)?_(.*?)(_iam_\w+)?$/.exec(type) ?? [];
  if (kind === 'domain_mapping') return `locations/${location}/namespaces/${project}/domainmappings/${name}`;
  const collection = kind === 'worker_pool' ? 'workerPools' : `${kind}s`;
  const id = /^google_cloud_run_service$/.test(type)
    ? `locations/${location}/namespaces/${project}/services/${name}`
    : `projects/${project}/locations/${location}/${collection}/${String(service).split('/').at(-1)}`;
  return [id, role, member].filter((part) => part !== undefined).join(' ');
}

describe('the Google provider of Terraform at the Admin API', function () {
  this.timeout(600_000);
  const installation = useReadyApi();
  before(async () => {
    await installRoles(installation);
    await grant(installation, 'editor', 'homerun-run.admin');
  });

  /** The resources of all configurations. */
  const all: Configured[] = [];

  for (const [name, shown] of Object.entries(CONFIGURATIONS)) {
    describe(name, () => {
      let tofu: Tofu;
      let resources: Resource[];
      before(() => {
        tofu = tofuFor(gcloudTarget(installation), name);
      });
      after(() => tofu?.remove());

      it('is applied, and nothing is left to change', async () => {
        await tofu.apply();
        deepEqual((await tofu.plan()).changes, []);
        deepEqual(await tofu.output(), shown);
      });

      it('is changed in place', async () => {
        tofu.variables.description = 'second';
        const { changes, configured } = await tofu.plan();
        all.push(...configured);
        for (const change of changes) deepEqual(change.actions, ['update'], change.address);
        equal(changes.length, 3);
        await tofu.apply();
        deepEqual((await tofu.plan()).changes, []);
      });

      it('is imported as it is', async () => {
        resources = (await tofu.resources()).filter(({ address }) => !address.startsWith('data.'));
        tofu.importInstead(
          Object.fromEntries(resources.map((resource) => [resource.address, importId(resource)])),
        );
        const { changes } = await tofu.plan();
        deepEqual(
          changes.map(({ address }) => address).sort(),
          resources.map(({ address }) => address).sort(),
        );
        for (const { address, importing, actions, changed } of changes) {
          const others = changed.filter((argument) => !NOT_IMPORTED.includes(argument));
          deepEqual({ address, importing, others }, { address, importing: true, others: [] }, `${actions}`);
        }
        await tofu.apply();
        deepEqual((await tofu.plan()).changes, []);
      });

      it('is destroyed, and nothing is left', async () => {
        await tofu.destroy();
        deepEqual(await tofu.resources(), []);
        const { client } = installation;
        for (const { type } of KINDS.filter(({ kind }) => kind !== 'Revision')) {
          const { items } = await client.list(type, { namespace: NAMESPACE });
          deepEqual(
            items.map(({ metadata }) => metadata.name),
            [],
            type.plural,
          );
        }
        const bindings = await client.list(ROLE_BINDINGS, { labelSelector: 'homerun.dev/iam-resource' });
        deepEqual(bindings.items, []);
      });
    });
  }

  describe('its schemas', () => {
    let tofu: Tofu;
    let schemas: Awaited<ReturnType<Tofu['schemas']>>;
    before(async () => {
      tofu = tofuFor(gcloudTarget(installation), 'services');
      schemas = await tofu.schemas();
    });
    after(() => tofu?.remove());

    it('have no argument that is neither in a configuration nor refused', () => {
      deepEqual(Object.keys(schemas).sort(), Object.keys(EXCEPTIONS).sort());
      for (const [resource, { block }] of Object.entries(schemas)) {
        const configured = configuredArguments(all, resource);
        const wanted = argumentsOf(block).filter((path) => exceptionOf(resource, path)?.result !== 'refused');
        deepEqual(
          wanted.filter((path) => !configured.has(path)),
          [],
          `arguments of ${resource} that no configuration has`,
        );
        for (const path of Object.keys(EXCEPTIONS[resource] ?? {})) {
          ok(
            argumentsOf(block).some((each) => each === path || each.startsWith(`${path}.`)),
            `${resource} has no ${path}`,
          );
        }
      }
    });

    it('are what docs/terraform.md lists', () => {
      const text = readFileSync(DOCUMENT, 'utf8');
      const [head = '', listed = ''] = text.split(/(?<=<!-- tables .*-->\n)/);
      const expected = tables(schemas);
      if (process.env.UPDATE_GOLDEN) writeFileSync(DOCUMENT, `${head}${expected}`);
      else equal(listed, expected);
    });
  });
});
