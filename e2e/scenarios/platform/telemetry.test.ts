import assert from 'node:assert/strict';
import { allPodsOf, kubectl, SYSTEM_NAMESPACE } from '../../lib/cluster.ts';
import { podsOfRole, roleReplaced } from '../../lib/roles.ts';
import { readyService } from '../../lib/services.ts';
import { useSuite } from '../../lib/suite.ts';
import { changeValues } from '../../lib/upgrade.ts';
import { until } from '../../lib/wait.ts';

const IDLE = 'autoscaling.knative.dev/scale-to-zero-pod-retention-period';
const TRACE = '0af7651916cd43dd8448eb211c80319c';

interface Line {
  httpRequest: { requestUrl: string; status?: number; serverIp?: string };
  'logging.googleapis.com/trace'?: string;
  revision?: string;
  instance?: string;
  error?: string;
}

describe('what the gateway shows of its requests', function () {
  this.timeout(300_000);
  const suite = useSuite('e2e-telemetry');

  const gateways = async () =>
    (await podsOfRole(suite.client, 'gateway')).map(({ metadata: { name } }) => name);
  /** The value of a series over all gateways; 0 where none has it. */
  const value = async (series: string): Promise<number> => {
    let sum = 0;
    for (const pod of await gateways()) {
      const path = `/api/v1/namespaces/${SYSTEM_NAMESPACE}/pods/${pod}:9090/proxy/metrics`;
      const lines = (await kubectl(['get', '--raw', path])).split('\n');
      const line = lines.find((candidate) => candidate.startsWith(`${series} `));
      sum += Number(line?.slice(series.length + 1) ?? 0);
    }
    return sum;
  };

  it('has the time of requests by part, and what became of them', async () => {
    const { client, visitor, namespace } = suite;
    const { url } = await readyService(client, namespace, 'parts', {
      revision: 'parts-v1',
      timeoutSeconds: 2,
    });
    assert.equal((await visitor.ask(`${url}/sleep?ms=500`)).status, 200);
    assert.equal((await visitor.ask(`${url}/sleep?ms=5000`)).status, 504);
    const labels = `namespace="${namespace}",revision="parts-v1"`;
    assert.ok((await value(`homerun_gateway_time_seconds_total{${labels},part="upstream"}`)) >= 0.5);
    assert.ok((await value(`homerun_gateway_time_seconds_total{${labels},part="gateway"}`)) > 0);
    assert.equal(await value(`homerun_gateway_errors_total{${labels},cause="deadline"}`), 1);
  });

  it('has each part of a cold start', async () => {
    const { client, visitor, namespace } = suite;
    const { url } = await readyService(client, namespace, 'cold', { annotations: { [IDLE]: '2s' } });
    await until('no instances', async () => (await allPodsOf(client, namespace, 'cold')).length === 0);
    const count = (part: string) => value(`homerun_gateway_cold_start_seconds_count{part="${part}"}`);
    const parts = ['decide', 'schedule', 'start', 'first_byte'];
    const before = await Promise.all(parts.map(count));
    assert.equal((await visitor.ask(url)).status, 200);
    await until('each part to be measured', async () => {
      const after = await Promise.all(parts.map(count));
      return after.every((measured, i) => measured > (before[i] as number));
    });
  });

  describe('with an access log', () => {
    const upgrade = async (accessLog: boolean): Promise<void> => {
      const old = await podsOfRole(suite.client, 'gateway');
      await changeValues({ gateway: { accessLog } });
      await roleReplaced(suite.client, 'gateway', old);
    };

    before(() => upgrade(true));
    after(() => upgrade(false));

    it('has a line for each request, with its trace, its revision and its instance', async () => {
      const { client, visitor, namespace } = suite;
      const { url } = await readyService(client, namespace, 'logged', { revision: 'logged-v1' });
      const headers = { traceparent: `00-${TRACE}-00f067aa0ba902b7-01` };
      for (let i = 0; i < 10; i++)
        assert.equal((await visitor.ask(`${url}/?n=${i}`, { headers })).status, 200);
      assert.equal((await visitor.ask(`http://none.${namespace}.localhost/`)).status, 404);
      const lines = async (): Promise<Line[]> => {
        const logs = await Promise.all(
          (await gateways()).map((pod) => kubectl(['logs', '-n', SYSTEM_NAMESPACE, pod])),
        );
        const all = logs.flatMap((log) =>
          log
            .trimEnd()
            .split('\n')
            .map((line) => JSON.parse(line)),
        );
        return all.filter(({ httpRequest }) => httpRequest?.requestUrl.includes(`.${namespace}.`));
      };
      await until('all lines', async () => (await lines()).length >= 11);
      const found = await lines();
      const logged = found.filter(({ revision }) => revision === 'logged-v1');
      const urls = logged.map(({ httpRequest }) => httpRequest.requestUrl).toSorted();
      assert.deepEqual(
        urls,
        Array.from({ length: 10 }, (_, i) => `${url}/?n=${i}`),
      );
      for (const line of logged) {
        assert.equal(line['logging.googleapis.com/trace'], TRACE);
        assert.ok(line.instance?.startsWith('logged-v1') && line.httpRequest.serverIp);
      }
      const rejected = found.filter(({ error }) => error !== undefined);
      assert.deepEqual(
        rejected.map(({ error, httpRequest }) => [error, httpRequest.status]),
        [['unknown_host', 404]],
      );
    });
  });
});
