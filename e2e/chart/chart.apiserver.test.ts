import { deepEqual, doesNotMatch, equal, match, ok } from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { CONFIGURATIONS as TEMPLATES } from '../../operator/apis/serving/configuration/types.ts';
import { SERVICES, type Service } from '../../operator/apis/serving/service/types.ts';
import type { KubeClient } from '../../operator/kube/client.ts';
import { DEPLOYMENTS, NAMESPACES } from '../../operator/kube/core.ts';
import type { KubeObject } from '../../operator/kube/types.ts';
import type { Rule } from '../../operator/rbac.ts';
import { ROLE_FIELDS } from '../../operator/roles.ts';
import type { ApiServer } from '../../operator/testing/apiServer.ts';
import { until } from '../../operator/testing/until.ts';
import { CONFIGURATIONS, registered } from '../../operator/webhook/certificates/caBundle.ts';
import { ofEachPath } from '../../operator/webhook/certificates/pathTokens.ts';
import { asRole } from './accounts.ts';
import { CHART, chartCopy, copyOf, NAMESPACE, refusal, render, withOpenSchema } from './helm.ts';
import { DEFINITIONS, type Releases, releases } from './releases.ts';

const SERVICE_DEFINITION = { name: 'services.serving.knative.dev' };

/** The chart as it was when no path was secret: it named the one for evictions, and had nothing looked up at another. */
function chartBeforeSecretPaths(): string {
  const chart = copyOf(CHART, withOpenSchema);
  const template = join(chart, 'templates/webhook.yaml');
  const documents = readFileSync(template, 'utf8')
    .split(/(?=^---$)/m)
    .filter((document) => !document.includes('name: lookup.'));
  const [before, hook = ''] = documents.join('').split(/(?=^ +- name: evict\.)/m);
  const rules = '\n    rules:';
  writeFileSync(template, `${before}${hook.replace(rules, `\n        path: /evict${rules}`)}`);
  return chart;
}

/** What Helm makes of a cluster, on a real API server. */
describe('chart on an API server', function () {
  this.timeout(300_000);
  let helmed: Releases;
  let server: ApiServer;

  before(async function () {
    this.timeout(900_000);
    helmed = await releases();
    server = helmed.server;
  });
  after(() => helmed?.removeDefinitions());

  const columnsOf = async () => {
    const definition = await server.client.get(DEFINITIONS, SERVICE_DEFINITION);
    return definition?.spec.versions[0]?.additionalPrinterColumns.map(({ name }) => name);
  };

  const STRANGERS = {
    'Knative Serving': {
      name: 'services.serving.knative.dev',
      refused:
        /Knative Serving is installed in this cluster \(CustomResourceDefinition services\.serving\.knative\.dev\)\. Homerun serves the same API, so both cannot run in one cluster/,
    },
    "somebody else's API of Cloud Run": {
      name: 'jobs.run.googleapis.com',
      refused:
        /CustomResourceDefinition jobs\.run\.googleapis\.com is installed in this cluster and is not Homerun's/,
    },
  };

  for (const [stranger, { name, refused }] of Object.entries(STRANGERS)) {
    describe(`where ${stranger} is installed`, () => {
      before(async () => {
        const [plural, ...group] = name.split('.');
        const file = `files/crds/${group.join('.')}_${plural}.yaml`;
        const labels = { 'app.kubernetes.io/name': 'stranger' };
        const ours = parse(readFileSync(join(helmed.chart, file), 'utf8'));
        await server.client.create(DEFINITIONS, { ...ours, metadata: { name, labels } });
      });
      after(() => helmed.removeDefinitions());

      it('refuses in one sentence and changes nothing', async () => {
        match(
          refusal(() => helmed.install()),
          refused,
        );
        deepEqual((await server.client.list(DEFINITIONS)).items.length, 1);
        equal(
          await server.client.get(DEPLOYMENTS, { namespace: NAMESPACE, name: 'homerun-gateway' }),
          undefined,
        );
      });
    });
  }

  describe('installed', () => {
    let notes: string;
    before(async () => {
      // As an older version would have been: one column less.
      const older = chartCopy((text, file) => {
        const definition = parse(withOpenSchema(text));
        if (file === 'serving.knative.dev_services.yaml')
          definition.spec.versions[0].additionalPrinterColumns.pop();
        return JSON.stringify(definition);
      });
      notes = helmed.run('install', [older, '--namespace', NAMESPACE, '--create-namespace']);
      await until('the kinds are served', () =>
        server.client.list(SERVICES, { namespace: NAMESPACE }).catch(() => undefined),
      );
    });

    it('tells what to do next', () => {
      match(notes, /Services answer at http:\/\/SERVICE\.NAMESPACE\.localhost\n/);
      match(notes, /kubectl apply -f service\.yaml/);
      doesNotMatch(notes, /<no value>|%!/);
    });

    it('has no defaults filled in of what the controller writes, which has them', async () => {
      const spec = { template: { spec: { containers: [{ image: 'app' }] } } };
      const { apiVersion, kind } = TEMPLATES;
      const object = { apiVersion, kind, metadata: { namespace: 'default', name: 'asked' }, spec };
      /** Who is asked first about an object, and answers nothing here. */
      const asked = async (client: KubeClient) => {
        const { message } = await client.create(TEMPLATES, object).then(
          () => ({ message: '' }),
          (error: Error) => error,
        );
        return /failed calling webhook "(\w+)\./.exec(message)?.[1];
      };
      await until('people to be asked', async () => (await asked(server.client)) === 'default');
      await until(
        'the controller to be',
        async () => (await asked(asRole(server.client, 'controller'))) === 'validate',
      );
    });

    it('brings the definitions up to date on upgrade', async () => {
      const before = await columnsOf();
      helmed.upgrade();
      equal((await columnsOf())?.length, (before?.length ?? 0) + 1);
    });

    it('goes to several replicas and back', async () => {
      const replicas = async () => {
        const ref = { namespace: NAMESPACE, name: 'homerun-controller' };
        return (await server.client.get(DEPLOYMENTS, ref))?.spec?.replicas;
      };
      helmed.upgrade({
        controller: { replicas: 2 },
        gateway: { replicas: 2 },
        networkPolicy: { enabled: true },
      });
      equal(await replicas(), 2);
      helmed.upgrade();
      equal(await replicas(), 1);
    });

    describe('and registered by the webhook', () => {
      const tokens = ofEachPath(() => [{ token: 'a'.repeat(64), madeAt: 0 }]);
      const caBundle = Buffer.from('an authority').toString('base64');

      /** Writes as the webhook does; the names of what there was to write. */
      async function register(): Promise<string[]> {
        const writes = CONFIGURATIONS.map(async ({ type, name }) => {
          const live = await server.client.get(type, { name });
          const change = live && registered(live, { bundle: 'an authority', tokens, now: 0 });
          if (change) await server.client.apply(type, change, { fieldManager: 'homerun-webhook' });
          return change ? [name] : [];
        });
        return (await Promise.all(writes)).flat();
      }
      const clientConfigs = async () => {
        const found = await Promise.all(
          CONFIGURATIONS.map(({ type, name }) => server.client.get(type, { name })),
        );
        return found.flatMap((live) =>
          (live?.webhooks ?? []).map(({ clientConfig: { caBundle, service } }) => ({
            caBundle,
            path: service?.path,
          })),
        );
      };
      const at = (...paths: (string | undefined)[]) => paths.map((path) => ({ caBundle, path }));
      const [evict, lookup] = ['evict', 'lookup'].map((path) => `/${path}/${'a'.repeat(64)}`);
      const all = at(lookup, '/default', '/validate', evict);

      before(async () => {
        deepEqual(
          await register(),
          CONFIGURATIONS.map(({ name }) => name),
        );
      });

      it('leaves alone what the webhook writes into its configurations', async () => {
        helmed.upgrade({ webhook: { timeoutSeconds: 7 } });
        deepEqual(await clientConfigs(), all);
        helmed.upgrade();
        deepEqual(await clientConfigs(), all);
      });

      it('gives a chart from before the secret paths its own one, and takes that away again', async () => {
        const args = [chartBeforeSecretPaths(), '--reset-values', '--namespace', NAMESPACE];
        helmed.run('upgrade', args);
        deepEqual(await clientConfigs(), at('/default', '/validate', '/evict'));
        deepEqual(await register(), [], 'webhooks of that version answer there');
        helmed.upgrade();
        const unregistered = { caBundle: undefined, path: undefined };
        deepEqual(await clientConfigs(), [unregistered, ...at('/default', '/validate', undefined)]);
        await register();
        deepEqual(await clientConfigs(), all);
      });
    });

    it('changes the type of the gateway Service', () => {
      helmed.upgrade({ gateway: { service: { type: 'NodePort', nodePort: 30080 } } });
      helmed.upgrade({ gateway: { service: { type: 'ClusterIP' } } });
      match(helmed.upgrade(), /get service homerun-gateway/);
    });

    it('leaves the node role out where the namespace would admit none of its pods', async () => {
      const enforce = (level: string | null) =>
        server.client.mergePatch(
          NAMESPACES,
          { name: NAMESPACE },
          { metadata: { labels: { 'pod-security.kubernetes.io/enforce': level } } },
        );
      const path = `/apis/apps/v1/namespaces/${NAMESPACE}/daemonsets`;
      const names = async () => {
        const { items } = await server.client.request<{ items: KubeObject[] }>('GET', path);
        return items.map(({ metadata }) => metadata.name);
      };
      deepEqual(await names(), ['homerun-node']);
      for (const level of ['restricted', 'baseline']) {
        await enforce(level);
        match(
          helmed.upgrade(),
          new RegExp(`enforces the Pod Security Standard ${level}, so the role "node" is left out`),
        );
        deepEqual(await names(), []);
        await enforce(level === 'restricted' ? 'privileged' : null);
        helmed.upgrade();
        deepEqual(await names(), ['homerun-node']);
      }
    });

    describe('in a namespace that enforces the restricted security standard', () => {
      const namespace = 'restricted';
      const templates = new Map<string, { metadata: object; spec: object }>();
      before(async () => {
        const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
        await server.client.create(NAMESPACES, {
          apiVersion: 'v1',
          kind: 'Namespace',
          metadata: { name: namespace, labels },
        });
        const values = { api: { enabled: true }, registry: { ca: { configMap: 'registry-ca' } } };
        for (const { kind, metadata, spec } of render(values)) {
          if (!/^(Deployment|DaemonSet)$/.test(kind)) continue;
          templates.set(metadata.name, (spec as { template: { metadata: object; spec: object } }).template);
        }
      });

      const admission = (role: string) => {
        const { metadata, spec } = templates.get(`homerun-${role}`) ?? {};
        const body = {
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { ...metadata, name: role, namespace },
          spec,
        };
        const path = `/api/v1/namespaces/${namespace}/pods`;
        return server.client.request('POST', path, { query: { dryRun: 'All' }, body });
      };

      it('pods of every role but the node role are admitted', async () => {
        const roles = Object.keys(ROLE_FIELDS).filter((role) => role !== 'node');
        for (const role of roles) ok(await admission(role), role);
      });

      it('pods of the node role are refused for its user and its folder alone', async () => {
        const message = await admission('node').then(
          () => 'it is admitted',
          (error: Error) => error.message,
        );
        const [, violations = message] =
          /violates PodSecurity "restricted:latest": (.*)$/.exec(message) ?? [];
        deepEqual(
          violations.split(/\), /).map((violation) => violation.split(' (', 1)[0]),
          ['restricted volume types', 'runAsNonRoot != true', 'runAsUser=0'],
        );
      });
    });

    describe('permissions', () => {
      /** Whether the API server lets a role's ServiceAccount do something. */
      async function may(
        role: string,
        verb: string,
        group: string,
        path: string,
        namespace: string,
        name?: string,
      ) {
        const [resource, subresource] = path.split('/');
        const { status } = await server.client.request<{ status: { allowed: boolean } }>(
          'POST',
          '/apis/authorization.k8s.io/v1/subjectaccessreviews',
          {
            body: {
              apiVersion: 'authorization.k8s.io/v1',
              kind: 'SubjectAccessReview',
              spec: {
                user: `system:serviceaccount:${NAMESPACE}:homerun-${role}`,
                resourceAttributes: { verb, group, resource, subresource, namespace, name },
              },
            },
          },
        );
        return status.allowed;
      }

      for (const file of [
        'controller',
        'controller-cluster',
        'controller-namespace',
        'controller-secrets',
        'webhook',
        'webhook-cluster',
        'webhook-namespace',
        'gateway',
        'gateway-namespace',
        'metadata',
        'metadata-cluster',
      ]) {
        const namespace = file.endsWith('-namespace') ? NAMESPACE : 'any';
        it(`grant what ${file} declares, in namespace ${namespace}`, async () => {
          const rules: Rule[] = parse(readFileSync(join(CHART, `files/rbac/${file}.yaml`), 'utf8'));
          const [role = ''] = file.split('-');
          for (const { apiGroups, resources, verbs, resourceNames = [] } of rules)
            for (const group of apiGroups)
              for (const resource of resources)
                for (const verb of verbs)
                  ok(
                    await may(role, verb, group, resource, namespace, resourceNames[0]),
                    `${verb} ${group}/${resource}`,
                  );
        });
      }

      const denied: [role: string, verb: string, group: string, resource: string, reason: string][] = [
        ['gateway', 'get', '', 'secrets', 'the data plane faces the internet'],
        ['gateway', 'patch', 'apps', 'deployments', 'waking only takes the scale'],
        ['gateway', 'patch', '', 'pods', 'it changes no pod but by resize'],
        ['gateway', 'patch', '', 'pods/resize', 'only with autoscaler.idleCpuResize'],
        [
          'gateway',
          'patch',
          'serving.knative.dev',
          'revisions/status',
          'the gateway reports through its counts',
        ],
        ['metadata', 'get', '', 'secrets', 'it only asks for tokens in the name of pods'],
        ['metadata', 'patch', '', 'services/status', 'only with metadata.linkLocal, and only its own'],
        ['gateway', 'create', '', 'serviceaccounts/token', 'no identity but in the metadata server'],
        ['controller', 'create', '', 'serviceaccounts/token', 'no identity but in the metadata server'],
        ['controller', 'list', '', 'secrets', 'pull secrets are read by name'],
        ['controller', 'create', '', 'secrets', 'it makes one, in the own namespace'],
        ['gateway', 'create', '', 'secrets', 'a Secret can have a token of another account put into it'],
        ['webhook', 'get', '', 'secrets', 'its certificates are in the own namespace'],
        ['webhook', 'list', '', 'pods', 'it looks at those that are to be evicted'],
        ['webhook', 'delete', '', 'pods', 'the autoscaler does that'],
        ['webhook', 'patch', 'serving.knative.dev', 'services', 'it answers; the API server writes'],
        [
          'webhook',
          'patch',
          'admissionregistration.k8s.io',
          'validatingwebhookconfigurations',
          "it trusts its own webhook's authority, not others'",
        ],
        ['controller', 'create', '', 'pods', 'pods are made by Deployments'],
        ['controller', 'delete', 'apps', 'deployments', 'owners take their Deployments along'],
        ['controller', 'patch', 'serving.knative.dev', 'services', "the spec is people's"],
        ['controller', 'get', 'coordination.k8s.io', 'leases', 'the Lease is in the own namespace'],
      ];
      for (const [role, verb, group, resource, reason] of denied) {
        it(`deny the ${role}: ${verb} ${resource}`, async () => {
          equal(await may(role, verb, group, resource, 'any'), false, reason);
        });
      }
    });

    describe('and uninstalled', () => {
      const service: Service = {
        apiVersion: 'serving.knative.dev/v1',
        kind: 'Service',
        metadata: { name: 'hello', namespace: NAMESPACE },
        spec: { template: { spec: { containers: [{ image: 'hello' }] } } },
      } as Service;

      before(async () => {
        // No controller runs here, so only where the webhook is not asked anything gets in.
        await server.client.create(SERVICES, service);
        helmed.uninstall();
      });

      it("keeps people's services", async () => {
        ok(await server.client.get(SERVICES, { namespace: NAMESPACE, name: 'hello' }));
        equal(
          await server.client.get(DEPLOYMENTS, { namespace: NAMESPACE, name: 'homerun-gateway' }),
          undefined,
        );
      });

      it('can be installed again', () => {
        helmed.install();
        helmed.uninstall();
      });

      it('moves to another namespace with the command that the refusal names', () => {
        const message = refusal(() => helmed.install('elsewhere'));
        match(
          message,
          /CustomResourceDefinition \S+ belongs to release "homerun" in namespace "homerun-system"/,
        );
        const [, command = ''] = /hand the definitions over with: (.*)$/m.exec(message) ?? [];
        helmed.shell(command);
        helmed.install('elsewhere');
        helmed.uninstall('elsewhere');
      });
    });
  });
});
