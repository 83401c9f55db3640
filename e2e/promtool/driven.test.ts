import { deepEqual } from 'node:assert/strict';
import { KIND_TYPES } from '../../operator/apis/kinds.ts';
import { CONFIGURATIONS } from '../../operator/apis/serving/configuration/types.ts';
import { parseConfig } from '../../operator/config.ts';
import { runController } from '../../operator/controller.ts';
import { rulesFile } from '../../operator/generate/monitoring.ts';
import { FakeApiServer, Rejection, type SeenRequest } from '../../operator/testing/fakeApiServer.ts';
import { freePort } from '../../operator/testing/freePort.ts';
import { PINNED, service } from '../../operator/testing/serving.ts';
import { silent, until } from '../../operator/testing/until.ts';
import type { Input } from './cases.ts';
import { promtool } from './promtool.ts';
import { testFile } from './ruleTests.ts';
import { inputOf, type Scrape } from './scraped.ts';

/** What Prometheus reads of the other roles meanwhile. */
const OTHERS: Input = {
  'homerun_webhook_certificate_expiry_timestamp_seconds{pod="webhook"}': '9000000x80',
};
/** So many objects go wrong at once: one alone is tried again more and more seldom, and is worth no alert. */
const SERVICES_EACH = 40;

interface Scenario {
  reason: string;
  /** What happens, and how long it is watched, in ms. */
  happens(server: FakeApiServer): void;
  lastsMs: number;
  fires: string[];
}

const isWriteOfOurs = ({ method, path }: SeenRequest) =>
  method !== 'GET' && path.startsWith('/apis/serving.knative.dev/');

const SCENARIOS: Record<string, Scenario> = {
  'nothing happens': { reason: 'work alone is no reason', happens: () => {}, lastsMs: 3_000, fires: [] },
  'the API server is away': {
    reason: 'it cannot look, cannot write, and does not lead any more',
    happens: (server) => server.kill(),
    lastsMs: 12_000,
    fires: [
      'HomerunApiServerUnreachable',
      'HomerunLeaseLost',
      'HomerunListsFail',
      'HomerunNoLeader',
      'HomerunReconcilesFail',
    ],
  },
  'the API server cannot call a webhook': {
    reason: 'that is how it answers then',
    happens: (server) => {
      const rejection = new Rejection(500, 'InternalError', 'failed calling webhook "default.homerun.dev"');
      server.failNext(rejection, isWriteOfOurs, Number.POSITIVE_INFINITY);
    },
    lastsMs: 12_000,
    fires: ['HomerunApiServerFails', 'HomerunReconcilesFail'],
  },
};

describe('alerts of a controller', function () {
  this.timeout(1_800_000);
  let server: FakeApiServer;
  beforeEach(async () => {
    server = await FakeApiServer.start({ types: KIND_TYPES });
  });
  afterEach(() => server.close());

  /** Runs the role, lets something happen to it, and gives what Prometheus would have read before and after. */
  async function drive({ happens, lastsMs }: Scenario): Promise<[Scrape, Scrape]> {
    const adminPort = await freePort();
    const stop = new AbortController();
    const identity = { namespace: 'homerun-system', podName: 'test' };
    const running = runController(parseConfig({ adminPort }), identity, server.client, silent, stop.signal);
    const scrape = async (): Promise<Scrape> => {
      const answer = await fetch(`http://127.0.0.1:${adminPort}/metrics`, {
        headers: { connection: 'close' },
      });
      return { at: performance.now(), text: await answer.text() };
    };
    try {
      make('first');
      await until('it works', () => server.get(CONFIGURATIONS, { namespace: 'demo', name: 'first-0' }));
      const before = await scrape();
      happens(server);
      make('second');
      await until('it has lasted', () => performance.now() - before.at > lastsMs);
      return [before, await scrape()];
    } finally {
      stop.abort();
      await running;
    }
  }

  function make(name: string): void {
    for (let i = 0; i < SERVICES_EACH; i++) {
      const { metadata, ...rest } = service(`${name}-${i}`, { spec: { containers: [{ image: PINNED }] } });
      server.put({ ...rest, metadata: { ...metadata, uid: undefined } });
    }
  }

  for (const [name, scenario] of Object.entries(SCENARIOS)) {
    it(`where ${name}: ${scenario.fires.join(', ') || 'none'}, because ${scenario.reason}`, async () => {
      const [before, after] = await drive(scenario);
      const input = { ...OTHERS, ...inputOf(before, after, 'controller') };
      const firing = {
        name,
        interval: '1m',
        input_series: Object.entries(input).map(([series, values]) => ({ series, values })),
        promql_expr_test: [
          {
            expr: 'group by (alertname) (ALERTS{alertstate="firing"})',
            eval_time: '60m',
            exp_samples: scenario.fires.map((alertname) => ({
              labels: `{alertname="${alertname}"}`,
              value: 1,
            })),
          },
        ],
      };
      const files = { 'alerts.yaml': rulesFile().text, 'tests.yaml': testFile([firing]) };
      deepEqual(/SUCCESS/.test(await promtool(files, 'test', 'rules', 'tests.yaml')), true);
    });
  }
});
