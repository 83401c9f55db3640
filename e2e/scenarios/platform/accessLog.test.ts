import assert from 'node:assert/strict';
import { kubectl, SYSTEM_NAMESPACE } from '../../lib/cluster.ts';
import { podsOfRole, roleReplaced } from '../../lib/roles.ts';
import { readyService } from '../../lib/services.ts';
import { useSuite } from '../../lib/suite.ts';
import { changeValues } from '../../lib/upgrade.ts';
import { until } from '../../lib/wait.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';

interface Line {
  httpRequest: { requestUrl: string; status?: number; serverIp?: string };
  'logging.googleapis.com/trace'?: string;
  revision?: string;
  instance?: string;
  error?: string;
}

describe('the access log of the gateway', function () {
  this.timeout(300_000);
  const suite = useSuite('e2e-access-log');

  const gateways = async () =>
    (await podsOfRole(suite.client, 'gateway')).map(({ metadata: { name } }) => name);
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
    for (let i = 0; i < 10; i++) assert.equal((await visitor.ask(`${url}/?n=${i}`, { headers })).status, 200);
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
