import { deepEqual, throws } from 'node:assert/strict';
import type { Condition } from '../apis/condition.ts';
import type { ReasonFacts } from './facts.ts';
import { routesIn } from './gatherGateways.ts';
import { countReasons } from './gatherObjects.ts';
import { registrationOf } from './registration.ts';

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

  it('is not known where it has neither', () => {
    throws(
      () => registrationOf(configuration({})),
      /MutatingWebhookConfiguration homerun-webhook names no server/,
    );
  });
});
