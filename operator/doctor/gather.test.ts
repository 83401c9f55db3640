import { deepEqual, equal, rejects, throws } from 'node:assert/strict';
import type { Condition } from '../apis/condition.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Pod } from '../kube/core.ts';
import { statusError } from '../kube/errors.ts';
import { startServer } from '../registry/testing/registry.ts';
import { callWebhook } from './callWebhook.ts';
import type { ReasonFacts } from './facts.ts';
import { routesIn } from './gatherGateways.ts';
import { countReasons } from './gatherObjects.ts';
import { reachInside, reachOutside } from './reach.ts';
import { type Registration, registrationOf } from './registration.ts';

const NOW = Date.UTC(2026, 0, 1);
const ago = (minutes: number) => new Date(NOW - minutes * 60_000).toISOString();

const OBJECTS: Record<
  string,
  { reason: string; ready?: Partial<Condition>; metadata?: object; want?: string }
> = {
  'that is ready': { reason: 'all is well', ready: { status: 'True' } },
  'that has failed': { reason: 'it is told at once', ready: { status: 'False', reason: 'A' }, want: 'A' },
  'that begins': {
    reason: 'a start takes its time',
    ready: { status: 'Unknown', reason: 'Deploying', lastTransitionTime: ago(9) },
  },
  'that has begun long ago': {
    reason: 'it should have ended',
    ready: { status: 'Unknown', reason: 'Deploying', lastTransitionTime: ago(10) },
    want: 'Deploying',
  },
  'that nobody has looked at yet': { reason: 'it is new', metadata: { creationTimestamp: ago(1) } },
  'that nobody looks at': {
    reason: 'no controller works',
    metadata: { creationTimestamp: ago(11) },
    want: 'NotReconciled',
  },
  'that goes': {
    reason: 'it need not be ready any more',
    ready: { status: 'False', reason: 'A' },
    metadata: { deletionTimestamp: ago(0) },
  },
};

describe('what is counted as not ready', () => {
  for (const [name, { reason, ready, metadata, want }] of Object.entries(OBJECTS)) {
    it(`an object ${name}: ${reason}`, () => {
      const conditions = ready ? [{ type: 'Ready', ...ready } as Condition] : [];
      const object = {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { namespace: 'demo', name: 'a', ...metadata },
        status: { conditions },
      };
      const tally = new Map<string, ReasonFacts>();
      countReasons(tally, [object, object], NOW);
      const counted = want === undefined ? [] : [{ reason: want, count: 2, example: 'demo/a' }];
      deepEqual([...tally.values()], counted);
    });
  }
});

describe('the routes that a gateway knows', () => {
  it('are read from its metrics', () => {
    const other = 'homerun_reflector_objects{kind="Revision",cache="revisions"} 7\n';
    deepEqual(routesIn(`${other}homerun_reflector_objects{kind="Route",cache="routes"} 12\n`), 12);
  });

  it('are not known where it has no such series', () => {
    throws(
      () => routesIn('homerun_reflector_objects{kind="Revision",cache="revisions"} 7\n'),
      /no number of routes/,
    );
  });
});

describe('where the webhook is', () => {
  const configuration = (clientConfig: object) => ({
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name: 'homerun-webhook' },
    webhooks: [{ name: 'default.homerun.dev', clientConfig }],
  });

  it('follows from its Service', () => {
    const service = { name: 'homerun-webhook', namespace: 'ns', port: 8443 };
    deepEqual(registrationOf(configuration({ service })), {
      host: 'homerun-webhook.ns.svc',
      port: 8443,
      serverName: 'homerun-webhook.ns.svc',
    });
  });

  it('follows from its URL', () => {
    deepEqual(registrationOf(configuration({ url: 'https://10.0.0.1/default' })), {
      host: '10.0.0.1',
      port: 443,
      serverName: '',
    });
  });

  it('follows from its URL with an IPv6 address', () => {
    const { host, port } = registrationOf(configuration({ url: 'https://[fd00::1]:8443/default' }));
    deepEqual([host, port], ['fd00::1', 8443]);
  });

  it('follows from its URL with a name, which servers of several names must be told', () => {
    const { host, serverName } = registrationOf(configuration({ url: 'https://hook.example/default' }));
    deepEqual([host, serverName], ['hook.example', 'hook.example']);
  });

  it('is not known where it has neither', () => {
    throws(
      () => registrationOf(configuration({})),
      /MutatingWebhookConfiguration homerun-webhook names no server/,
    );
  });
});

describe('whether API servers reach the webhook', () => {
  const saying = (message: string) =>
    ({ request: () => Promise.reject(statusError('POST /x', 500, { message })) }) as unknown as KubeClient;

  it('is no, in their words', async () => {
    const said = 'failed calling webhook "default.homerun.dev": context deadline exceeded';
    equal(
      await callWebhook(saying(`Internal error occurred: ${said}`), 'demo'),
      `Internal error occurred: ${said}`,
    );
  });

  it('is yes where it refuses', async () => {
    const said = 'admission webhook "validate.homerun.dev" denied the request: no';
    equal(await callWebhook(saying(said), 'demo'), undefined);
  });

  it("is not known where they do not reach another one: this one's pods are not to blame", async () => {
    const said = 'failed calling webhook "validate.kyverno.svc-fail": context deadline exceeded';
    await rejects(callWebhook(saying(said), 'demo'), { message: /kyverno/ });
  });
});

describe('what is read outside of the cluster', () => {
  const reading = (object: object | undefined) =>
    reachOutside({ get: async () => object } as unknown as KubeClient, 'ns');

  it('is no configuration where the ConfigMap has none', () =>
    rejects(reading({ data: {} }).config(), {
      message: 'there is no config.json in ConfigMap homerun-controller in the namespace ns',
    }));

  it('is no certificate where the Secret has none', () =>
    rejects(reading({ data: {} }).certificate({} as Registration), {
      message: 'there is no tls.crt in Secret homerun-webhook-cert in the namespace ns',
    }));
});

describe('the metrics of a pod', () => {
  const pod = (status: object, ports: object[]) =>
    ({ metadata: { name: 'a' }, spec: { containers: [{ name: 'a', ports }] }, status }) as unknown as Pod;
  const inside = reachInside({});

  it('are not asked for without an address', () =>
    rejects(inside.metricsOf(pod({}, [{ name: 'admin', containerPort: 9090 }])), {
      message: 'pod a has no address',
    }));

  it('are not asked for without a port', () =>
    rejects(inside.metricsOf(pod({ podIP: '127.0.0.1' }, [])), { message: 'pod a has no port admin' }));

  it('are none where something else answers', async () => {
    await using server = await startServer((_, response) => void response.writeHead(404).end('no'));
    const containerPort = Number(server.host.split(':')[1]);
    await rejects(inside.metricsOf(pod({ podIP: '127.0.0.1' }, [{ name: 'admin', containerPort }])), {
      message: /:\d+\/metrics answered 404$/,
    });
  });
});
