import { deepEqual, equal, match } from 'node:assert/strict';
import { diagnose } from './diagnose.ts';
import type { Facts, Found, GatewayFacts, WorkloadFacts } from './facts.ts';
import { asJson, asText, worstOf } from './print.ts';

const NOW = Date.UTC(2026, 0, 1);
const DAY_MS = 86_400_000;
const found = <T>(value: T): Found<T> => ({ found: value });
const UNKNOWN = { unknown: 'GET /x: 403 forbidden' };

function workload(role: string, fields: Partial<WorkloadFacts> = {}): WorkloadFacts {
  return { role, wanted: 1, ready: 1, updated: 1, ...fields };
}

/** All roles but `api`, and of these the given ones otherwise. */
function workloads(...others: WorkloadFacts[]): Found<WorkloadFacts[]> {
  const roles = ['controller', 'webhook', 'gateway', 'metadata', 'node'];
  const named = new Map(roles.map((role) => [role, workload(role)]));
  for (const other of others) named.set(other.role, other);
  return found([...named.values()]);
}

function gateways(known: Record<string, Found<number>>): Found<GatewayFacts> {
  return found({ routes: { least: 7, most: 8 }, known });
}

const [MUTATING, VALIDATING] = ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration'];
const CONFIGURATIONS = [
  { kind: MUTATING, name: 'homerun-lookup', optional: true },
  { kind: MUTATING, name: 'homerun-webhook', optional: false },
  { kind: VALIDATING, name: 'homerun-webhook', optional: false },
];
const WEBHOOK: Facts['webhook'] = {
  configurations: found(CONFIGURATIONS.map((each) => ({ ...each, exists: true, hasAuthorities: true }))),
  call: found(undefined),
  certificate: found({ expiresAt: NOW + 60 * DAY_MS, trusted: true }),
};

const WELL: Facts = {
  version: '1.2.3',
  namespace: 'homerun-system',
  now: NOW,
  apiServer: found({ version: 'v1.34.4', latencyMs: 9 }),
  wanted: found({ metadata: true }),
  definitions: found([{ name: 'services.serving.knative.dev', state: 'as declared' }]),
  webhook: WEBHOOK,
  lease: found({ holder: 'homerun-controller-a', renewedAt: NOW - 1_400, seconds: 15 }),
  workloads: workloads(),
  gateways: gateways({ 'homerun-gateway-a': found(8) }),
  runtimeClasses: found([]),
  objects: found([{ kind: 'Service', resource: 'services.serving.knative.dev', total: 8, notReady: [] }]),
};

interface Case {
  reason: string;
  facts: Partial<Facts>;
  /** The lines that are not ok: `STATE CHECK: FOUND`. */
  want: RegExp[];
}

const CASES: Record<string, Case> = {
  'no API server': {
    reason: 'nothing else can be known then, and ten lines would say so ten times',
    facts: { apiServer: { unknown: 'GET /version: connect ECONNREFUSED' }, objects: UNKNOWN },
    want: [/^failed API server: GET \/version: connect ECONNREFUSED$/],
  },
  'a slow API server': {
    reason: 'everything waits for it',
    facts: { apiServer: found({ version: 'v1.34.4', latencyMs: 1_001 }) },
    want: [/^warning API server: v1\.34\.4 answers in 1001 ms$/],
  },
  'definitions of another version': {
    reason: 'fields that this version writes may be dropped by their schema',
    facts: {
      definitions: found([
        { name: 'jobs.run.googleapis.com', state: 'missing' },
        { name: 'routes.serving.knative.dev', state: 'different' },
      ]),
    },
    want: [
      /^failed definitions: missing: jobs\.run\.googleapis\.com$/,
      /^warning definitions: not as version 1\.2\.3 has them: routes\.serving\.knative\.dev$/,
    ],
  },
  'an account that may not read': {
    reason: 'what is not known is neither well nor broken',
    facts: { definitions: UNKNOWN },
    want: [/^warning definitions: not known: GET \/x: 403 forbidden$/],
  },
  'no registration of the webhook': {
    reason: 'objects would be stored unchecked, and nobody would see it',
    facts: {
      webhook: {
        ...WEBHOOK,
        configurations: found(
          CONFIGURATIONS.map((each) => ({ ...each, exists: false, hasAuthorities: false })),
        ),
        certificate: { unknown: 'the webhook is not registered' },
      },
    },
    want: [
      /^warning webhook: there is no MutatingWebhookConfiguration homerun-lookup: the controller fills in executions/,
      /^failed webhook: there is no MutatingWebhookConfiguration homerun-webhook/,
      /^failed webhook: there is no ValidatingWebhookConfiguration homerun-webhook/,
      /^warning webhook: not known: the webhook is not registered$/,
    ],
  },
  'a registration without authorities': {
    reason: 'API servers cannot verify whom they call',
    facts: {
      webhook: {
        ...WEBHOOK,
        configurations: found([
          {
            kind: 'ValidatingWebhookConfiguration',
            name: 'homerun-webhook',
            optional: false,
            exists: true,
            hasAuthorities: false,
          },
        ]),
      },
    },
    want: [/^failed webhook: ValidatingWebhookConfiguration homerun-webhook has no caBundle/],
  },
  'a webhook that API servers do not reach': {
    reason: 'its pods may be ready and a firewall between',
    facts: { webhook: { ...WEBHOOK, call: found('failed calling webhook: context deadline exceeded') } },
    want: [/^failed webhook: the API server does not reach it: failed calling webhook: context deadline/],
  },
  'an expired certificate': {
    reason: 'it is worse than one that is not trusted',
    facts: { webhook: { ...WEBHOOK, certificate: found({ expiresAt: NOW, trusted: false }) } },
    want: [/^failed webhook: its certificate expired on 2026-01-01$/],
  },
  'a certificate of other authorities': {
    reason: 'the next object cannot be created',
    facts: { webhook: { ...WEBHOOK, certificate: found({ expiresAt: NOW + 60 * DAY_MS, trusted: false }) } },
    want: [/^failed webhook: API servers do not trust its certificate$/],
  },
  'a certificate with less than 14 days left': {
    reason: 'it should have been renewed by then',
    facts: {
      webhook: { ...WEBHOOK, certificate: found({ expiresAt: NOW + 14 * DAY_MS - 1, trusted: true }) },
    },
    want: [/^warning webhook: its certificate expires in 13 days$/],
  },
  'a certificate with 14 days left': {
    reason: 'the limit itself is well',
    facts: { webhook: { ...WEBHOOK, certificate: found({ expiresAt: NOW + 14 * DAY_MS, trusted: true }) } },
    want: [],
  },
  'no lease': {
    reason: 'no controller has ever led',
    facts: { lease: found(undefined) },
    want: [/^failed controller: no replica leads/],
  },
  'a lease that was given back': {
    reason: 'the leader has ended and none has followed',
    facts: { lease: found({ holder: '', renewedAt: NOW, seconds: 1 }) },
    want: [/^failed controller: no replica leads/],
  },
  'a lease that has run out': {
    reason: 'its leader was killed, or hangs',
    facts: { lease: found({ holder: 'a', renewedAt: NOW - 16_000, seconds: 15 }) },
    want: [/^failed controller: a leads, and renewed its lease 16 s ago$/],
  },
  'a lease that was never renewed': {
    reason: 'an object may lack any field',
    facts: { lease: found({ holder: 'a', renewedAt: undefined, seconds: 15 }) },
    want: [/^failed controller: a leads, and does not say when it renewed its lease$/],
  },
  'a holder whose clock is ahead': {
    reason: 'clocks differ, and that alone is no failure',
    facts: { lease: found({ holder: 'a', renewedAt: NOW + 5_000, seconds: 15 }) },
    want: [],
  },
  'a role without its Deployment': {
    reason: 'somebody has deleted it',
    facts: { workloads: found([workload('controller'), workload('webhook'), workload('gateway')]) },
    want: [/^failed metadata: it is not installed$/],
  },
  'no metadata server where none is wanted': {
    reason: 'it is a choice',
    facts: {
      wanted: found({ metadata: false }),
      workloads: found([workload('controller'), workload('webhook'), workload('gateway')]),
    },
    want: [],
  },
  'a role without a ready pod': {
    reason: 'nobody does its work',
    facts: { workloads: workloads(workload('metadata', { ready: 0 })) },
    want: [/^failed metadata: 0 of 1 are ready$/],
  },
  'a role with fewer ready pods than wanted': {
    reason: 'the others do its work',
    facts: { workloads: workloads(workload('webhook', { wanted: 2 })) },
    want: [/^warning webhook: 1 of 2 are ready$/],
  },
  'a role that was scaled to zero': {
    reason: 'that all of none are ready helps nobody',
    facts: { workloads: workloads(workload('gateway', { wanted: 0, ready: 0, updated: 0 })) },
    want: [/^failed gateway: 0 of 0 are ready$/],
  },
  'a node role without a ready pod': {
    reason: 'without it a wake is a second slower, and nothing else',
    facts: { workloads: workloads(workload('node', { wanted: 3, ready: 0 })) },
    want: [/^warning node: 0 of 3 are ready$/],
  },
  'an upgrade under way': {
    reason: 'it explains what is odd elsewhere',
    facts: { workloads: workloads(workload('gateway', { wanted: 2, ready: 2, updated: 1 })) },
    want: [/^warning gateway: 1 of 2 are of the newest version$/],
  },
  'a gateway whose watch is behind': {
    reason: 'it answers 404 for the newest services',
    facts: { gateways: gateways({ a: found(6), b: found(7) }) },
    want: [/^failed gateway: a knows 6 of 8 routes$/],
  },
  'a gateway that cannot be asked': {
    reason: 'the autoscaler asks at the same port',
    facts: { gateways: gateways({ a: { unknown: 'fetch failed' } }) },
    want: [/^warning gateway: a does not say what it knows: fetch failed$/],
  },
  'a RuntimeClass that is not there': {
    reason: 'the API server would refuse the pods of every instance',
    facts: {
      runtimeClasses: found([
        { environment: 'gen1', name: 'gvisor', exists: false },
        { environment: 'gen2', name: 'kata', exists: true },
      ]),
    },
    want: [/^failed runtime classes: there is no RuntimeClass gvisor: .* gen1 cannot be made$/],
  },
  'services that are not ready': {
    reason: "it may be their programs' own fault",
    facts: {
      objects: found([
        {
          kind: 'Service',
          resource: 'services.serving.knative.dev',
          total: 20,
          notReady: [
            { reason: 'A', count: 1, example: 'demo/a' },
            { reason: 'B', count: 3, example: 'demo/b' },
            { reason: 'C', count: 2, example: 'demo/c' },
            { reason: 'D', count: 1, example: 'demo/d' },
          ],
        },
      ]),
    },
    want: [
      /^warning objects: Service: 7 of 20 are not ready: B 3 \(demo\/b\), C 2 \(demo\/c\), A 1 \(demo\/a\)$/,
    ],
  },
};

describe('diagnose', () => {
  it('says in ten lines that all is well, with nothing to do', () => {
    const findings = diagnose(WELL);
    equal(
      asText(findings),
      `ok       API server   v1.34.4 answers in 9 ms
ok       definitions  all 1 are as version 1.2.3 has them
ok       webhook      1 of 1 are ready; the API server reaches it; its certificate is valid until 2026-03-02
ok       controller   1 of 1 are ready; homerun-controller-a leads, and renewed its lease 1 s ago
ok       gateway      1 of 1 are ready; all know 8 routes
ok       metadata     1 of 1 are ready
ok       node         1 of 1 are ready
ok       api          not installed
ok       objects      all are ready: Service 8
`,
    );
    equal(worstOf(findings), 'ok');
  });

  for (const [name, { reason, facts, want }] of Object.entries(CASES)) {
    it(`finds ${name}, because ${reason}`, () => {
      const bad = diagnose({ ...WELL, ...facts }).filter(({ state }) => state !== 'ok');
      const lines = bad.map(({ state, check, found }) => `${state} ${check}: ${found}`);
      equal(lines.length, want.length, lines.join('\n'));
      for (const [i, pattern] of want.entries()) match(lines[i] ?? '', pattern);
      for (const { act } of bad) match(act ?? '', /^[A-Z`]|^kubectl /);
    });
  }

  it('says the same as JSON, with the worst state first', () => {
    const findings = diagnose({ ...WELL, lease: found(undefined), definitions: UNKNOWN });
    deepEqual(JSON.parse(asJson(findings)), { state: 'failed', findings });
  });
});
