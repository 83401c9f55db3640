import assert from 'node:assert/strict';
import { request } from 'undici';
import { SERVING } from '../apis/annotations/serving.ts';
import { CONFIGURATIONS } from '../apis/serving/configuration/types.ts';
import { REVISIONS } from '../apis/serving/revision/types.ts';
import { SERVICES, type Service } from '../apis/serving/service/types.ts';
import { resourcePath } from '../kube/client.ts';
import { until } from '../testing/until.ts';
import { CONFIGURATION_TYPES } from './certificates/caBundle.ts';
import {
  NAMESPACE,
  post,
  ready,
  register,
  rejectionOf,
  service,
  startReplica,
  useInstallation,
} from './testing/installation.ts';

const NAME = 'homerun-webhook';

describe('webhook on a real API server', () => {
  const cluster = useInstallation();

  const apply = (object: Service, fieldManager = 'kubectl') =>
    cluster.client.apply(SERVICES, object, { fieldManager });

  describe('defaults', () => {
    it('are those of Cloud Run, with the names of those who ask', async () => {
      const { metadata, spec } = await apply(service('filled'));
      assert.deepEqual(spec, {
        template: {
          spec: {
            containerConcurrency: 80,
            timeoutSeconds: 300,
            serviceAccountName: 'default',
            containers: [
              {
                name: 'user-container',
                image: 'gcr.io/p/app:1',
                ports: [{ name: 'http1', containerPort: 8080 }],
                resources: { limits: { cpu: '1000m', memory: '512Mi' } },
                startupProbe: {
                  tcpSocket: { port: 8080 },
                  timeoutSeconds: 240,
                  periodSeconds: 240,
                  failureThreshold: 1,
                  successThreshold: 1,
                },
              },
            ],
          },
        },
        traffic: [{ latestRevision: true, percent: 100 }],
      });
      assert.equal(metadata.annotations?.[SERVING.creator], 'admin');
      assert.equal(metadata.annotations?.[SERVING.lastModifier], 'admin');
    });

    it('are stable: the same YAML applied again changes nothing at all', async () => {
      const first = await apply(service('stable', { timeoutSeconds: 5 }));
      const second = await apply(service('stable', { timeoutSeconds: 5 }));
      assert.equal(second.metadata.resourceVersion, first.metadata.resourceVersion);
      const merged = await cluster.client.mergePatch(SERVICES, first.metadata, {
        spec: service('stable', { timeoutSeconds: 5 }).spec,
      });
      assert.equal(merged.metadata.generation, 1, 'as kubectl apply without --server-side sends it');
    });

    it('return when a field is taken out of the YAML', async () => {
      await apply(service('returned', { timeoutSeconds: 5 }));
      const { metadata, spec } = await apply(service('returned'));
      assert.equal(spec.template.spec.timeoutSeconds, 300);
      assert.equal(metadata.generation, 2);
    });

    it('make no new generation of an object from before the webhook', async () => {
      await cluster.replica.stop();
      for (const type of CONFIGURATION_TYPES) await cluster.client.delete(type, { name: NAME });
      const old = () => service('old', { containerConcurrency: 7 });
      const stored = await until('the API server forgets the webhook', () =>
        apply(old()).catch(() => undefined),
      );
      assert.equal(stored.spec.template.spec.timeoutSeconds, undefined);
      await register(cluster.server, cluster.port);
      cluster.replica = await startReplica(cluster.server, { port: cluster.port });
      await ready(cluster.replica);
      await until(
        'the webhook is asked',
        async () => (await post(cluster.server, service('asked'), '?dryRun=All')).body.spec.traffic,
      );
      const again = await apply(old());
      assert.equal(again.metadata.generation, 1);
      const labelled = await cluster.client.mergePatch(SERVICES, stored.metadata, {
        metadata: { labels: { a: 'b' } },
        spec: { traffic: [{ percent: 100 }] },
      });
      assert.equal(
        labelled.spec.template.spec.timeoutSeconds,
        undefined,
        'a change of traffic makes no revision',
      );
      assert.deepEqual(labelled.spec.traffic, [{ latestRevision: true, percent: 100 }]);
    });

    it('wait for the name that the API server makes up', async () => {
      const { metadata, spec } = await cluster.client.create(SERVICES, {
        ...service(''),
        metadata: { generateName: 'made-', namespace: NAMESPACE } as Service['metadata'],
      });
      assert.match(metadata.name, /^made-.{5}$/);
      assert.equal(spec.template.spec.containers[0]?.name, 'user-container');
    });
  });

  describe('creator and lastModifier', () => {
    const impostor = { [SERVING.creator]: 'mallory', [SERVING.lastModifier]: 'mallory', mine: 'x' };

    it('are never what a client writes', async () => {
      const made = await cluster.client.create(SERVICES, {
        ...service('signed'),
        metadata: { name: 'signed', namespace: NAMESPACE, annotations: impostor },
      });
      assert.deepEqual(made.metadata.annotations, {
        [SERVING.creator]: 'admin',
        [SERVING.lastModifier]: 'admin',
        mine: 'x',
      });
      const changed = await cluster.client.mergePatch(SERVICES, made.metadata, {
        metadata: { annotations: impostor },
      });
      assert.deepEqual(changed.metadata.annotations, made.metadata.annotations);
      const { annotations: _, ...metadata } = changed.metadata;
      const replaced = await cluster.client.replace<Service>(SERVICES, { ...changed, metadata });
      assert.equal(replaced.metadata.annotations?.[SERVING.creator], 'admin');
    });

    it('name another one who changes the spec, and not one who changes labels', async () => {
      await apply(service('passed-on'));
      const as = (user: string, body: object) =>
        request(
          `${cluster.server.connection.server}${resourcePath(SERVICES, { namespace: NAMESPACE, name: 'passed-on' })}`,
          {
            dispatcher: cluster.server.connection.dispatcher,
            method: 'PATCH',
            headers: {
              'content-type': 'application/merge-patch+json',
              'impersonate-user': user,
              'impersonate-group': 'system:masters',
            },
            body: JSON.stringify(body),
          },
        ).then(({ body }) => body.json() as Promise<Service>);
      const labelled = await as('bob', { metadata: { labels: { a: 'b' } } });
      assert.equal(labelled.metadata.annotations?.[SERVING.lastModifier], 'admin');
      const changed = await as('bob', { spec: { template: { spec: { timeoutSeconds: 9 } } } });
      assert.equal(changed.metadata.annotations?.[SERVING.lastModifier], 'bob');
      assert.equal(changed.metadata.annotations?.[SERVING.creator], 'admin');
    });
  });

  describe('rejections', () => {
    it('list all errors in one response, including those of the schema', async () => {
      const wrong = service(
        'wrong',
        {
          timeoutSeconds: 3601,
          containerConcurrency: 'many' as never,
          containers: [
            {
              image: 'Not:Valid!',
              env: [{ name: 'PORT', value: '1' }],
              resources: { limits: { cpu: '500m' }, requests: { cpu: '1' } },
            },
          ] as never,
        },
        { traffic: [{ percent: 90 }] },
      );
      const { status, message, details } = await rejectionOf(
        cluster.client.create(SERVICES, {
          ...wrong,
          metadata: { name: 'Wrong', namespace: NAMESPACE },
        }),
      );
      assert.equal(status, 422);
      assert.deepEqual(details.causes?.map(({ field }) => field).sort(), [
        'metadata.name',
        'spec.template.spec.containerConcurrency',
        'spec.template.spec.containers[0].env[0].name',
        'spec.template.spec.containers[0].image',
        'spec.template.spec.containers[0].resources.requests[cpu]',
        'spec.template.spec.timeoutSeconds',
        'spec.traffic',
      ]);
      assert.match(message, /timeoutSeconds: is 3601; it must be a whole number from 0 to 3600/);
      assert.match(message, /containerConcurrency: is "many"; it must be a whole number/);
      assert.match(message, /spec\.traffic: has percents that sum to 90; they must sum to 100/);
    });

    it('leave what is stored as it is', async () => {
      const stored = await apply(service('unharmed'));
      const { status } = await rejectionOf(apply(service('unharmed', { timeoutSeconds: -1 })));
      assert.equal(status, 422);
      const now = await cluster.client.get(SERVICES, stored.metadata);
      assert.equal(now?.metadata.resourceVersion, stored.metadata.resourceVersion);
    });

    it('keep a changed template from taking the name of its revision', async () => {
      const named = (timeoutSeconds: number) => {
        const made = service('named', { timeoutSeconds });
        made.spec.template.metadata = { name: 'named-one' };
        return made;
      };
      await apply(named(1));
      await apply(named(1));
      const { message } = await rejectionOf(apply(named(2)));
      assert.match(message, /"named-one", the name of the previous revision/);
    });

    it('keep a revision as it is', async () => {
      const made = await cluster.client.create(REVISIONS, {
        apiVersion: 'serving.knative.dev/v1',
        kind: 'Revision',
        metadata: { name: 'by-hand', namespace: NAMESPACE },
        spec: { containers: [{ image: 'a' }] },
      } as never);
      assert.equal(made.spec.timeoutSeconds, 300);
      const change = cluster.client.mergePatch(REVISIONS, made.metadata, {
        spec: { timeoutSeconds: 1 },
      });
      assert.match((await rejectionOf(change)).message, /a revision is immutable; change the service/);
    });

    it('never keep an object from being deleted', async () => {
      const made = await cluster.client.create(CONFIGURATIONS, {
        ...service('leaving'),
        kind: 'Configuration',
        metadata: { name: 'leaving', namespace: NAMESPACE, finalizers: ['example.com/wait'] },
      } as never);
      await cluster.client.delete(CONFIGURATIONS, made.metadata);
      await cluster.client.mergePatch(CONFIGURATIONS, made.metadata, {
        metadata: { finalizers: null },
      });
      assert.equal(await cluster.client.get(CONFIGURATIONS, made.metadata), undefined);
    });
  });

  it('warns of what a cluster does otherwise, and of what Cloud Run would reject', async () => {
    const warned = service('warned', { enableServiceLinks: false } as never);
    warned.spec.template.metadata = {
      annotations: { 'run.googleapis.com/vpc-access-connector': 'mine' },
    };
    const { status, warnings } = await post(cluster.server, warned);
    assert.equal(status, 201);
    const said = warnings.join('\n');
    assert.match(
      said,
      /vpc-access-connector.*has no effect in a cluster: instances use the network of the cluster/,
    );
    assert.match(said, /enableServiceLinks is not supported by Cloud Run/);
    assert.deepEqual((await post(cluster.server, service('unwarned'))).warnings, []);
  });

  it('keeps out in strict mode what Cloud Run rejects', async () => {
    const strict = await startReplica(cluster.server, { strict: true });
    try {
      await ready(strict);
      await register(cluster.server, strict.port);
      const asked = () =>
        rejectionOf(
          cluster.client.create(SERVICES, service('strict', { enableServiceLinks: false } as never)),
        );
      const { message } = await until('the strict replica is asked', () => asked().catch(() => undefined));
      assert.match(message, /enableServiceLinks is not supported by Cloud Run/);
    } finally {
      await register(cluster.server, cluster.port);
      await strict.stop();
    }
    await until('the first replica is asked', () =>
      cluster.client
        .create(SERVICES, service('lenient', { enableServiceLinks: false } as never))
        .catch(() => undefined),
    );
  });

  it('answers a dry run and leaves nothing', async () => {
    const { status, body } = await post(cluster.server, service('dry'), '?dryRun=All');
    assert.equal(status, 201);
    assert.equal(body.spec.template.spec.containerConcurrency, 80);
    assert.equal(await cluster.client.get(SERVICES, { namespace: NAMESPACE, name: 'dry' }), undefined);
  });

  it('admits 1,000 services as fast as the API server takes them', async () => {
    const names = Array.from({ length: 1_000 }, (_, i) => `many-${i}`);
    const next = names.values();
    const worker = async () => {
      for (const name of next) await cluster.client.create(SERVICES, service(name));
    };
    await Promise.all(Array.from({ length: 32 }, worker));
  });
});
