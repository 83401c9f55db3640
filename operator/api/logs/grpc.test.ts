import assert from 'node:assert/strict';
import { type Client, Code, ConnectError, createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { SERVING } from '../../apis/labels.ts';
import type { Pod } from '../../kube/core.ts';
import { fakeLog } from '../../testing/fakeLogs.ts';
import { serviceOf } from '../v2/registry.ts';
import { PROJECT, startTestServer, type TestServer, TOKEN } from '../v2/testing/server.ts';

const LINES = [
  '2026-11-29T10:00:00.000000001Z hello',
  '2026-11-29T10:00:01.000000002Z {"severity":"ERROR","message":"no","code":5,"httpRequest":{"requestMethod":"GET","status":"many","latency":"0.5s"}}',
];
const POD: Pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    namespace: PROJECT,
    name: 'p',
    uid: 'u',
    labels: {
      [SERVING.service]: 'hello',
      [SERVING.configuration]: 'hello',
      [SERVING.revision]: 'hello-00001',
    },
  },
  spec: { containers: [{ name: 'web' }] },
  status: {
    containerStatuses: [
      {
        name: 'web',
        image: 'web',
        imageID: '',
        ready: true,
        restartCount: 0,
        state: { running: { startedAt: '2026-11-29T10:00:00Z' } },
      },
    ],
  },
};

interface Answer {
  entries: Record<string, unknown>[];
  nextPageToken: string;
}
type List = (request: object, options?: object) => Promise<Answer>;

/** ListLogEntries as a client of Google's calls it, on the port of REST. */
describe('entries of logs over gRPC', () => {
  let server: TestServer;
  let list: List;

  beforeEach(async () => {
    server = await startTestServer();
    server.cluster.put(POD);
    server.cluster.logs.set(`${PROJECT}/p/web`, fakeLog(...LINES));
    const transport = createGrpcTransport({
      baseUrl: `https://localhost:${server.tls.port}`,
      nodeOptions: { ca: server.authority },
    });
    const client = createClient(serviceOf('google.logging.v2.LoggingServiceV2'), transport) as Client<never>;
    list = (client as unknown as Record<string, List>).listLogEntries as List;
  });
  afterEach(() => server.close());

  const headers = { authorization: `Bearer ${TOKEN}` };
  const request = { resourceNames: [`projects/${PROJECT}`] };

  it('are those of REST, with what a program wrote as far as the messages have it', async () => {
    const { entries } = await list({ ...request, orderBy: 'timestamp asc' }, { headers });
    assert.deepEqual(
      entries.map(({ payload }) => payload),
      [
        { case: 'textPayload', value: 'hello' },
        { case: 'jsonPayload', value: { message: 'no', code: 5 } },
      ],
    );
    const [, error = {}] = entries;
    const { severity, httpRequest, resource, timestamp } = error as {
      severity: number;
      httpRequest: { requestMethod: string; status: number; latency: { nanos: number } };
      resource: { type: string; labels: Record<string, string> };
      timestamp: { nanos: number };
    };
    assert.deepEqual([severity, timestamp.nanos], [500, 2]);
    assert.deepEqual(
      [httpRequest.requestMethod, httpRequest.status, httpRequest.latency.nanos],
      ['GET', 0, 500_000_000],
    );
    assert.deepEqual([resource.type, resource.labels.service_name], ['cloud_run_revision', 'hello']);
  });

  it('come page by page, and as the filter says', async () => {
    const first = await list({ ...request, pageSize: 1 }, { headers });
    const second = await list({ ...request, pageSize: 1, pageToken: first.nextPageToken }, { headers });
    assert.deepEqual([first.entries.length, second.entries.length], [1, 1]);
    assert.notEqual(first.entries[0]?.insertId, second.entries[0]?.insertId);
    const filtered = await list({ ...request, filter: 'severity>=ERROR' }, { headers });
    assert.equal(filtered.entries.length, 1);
  });

  const refusals: Record<string, { reason: string; request: object; headers?: object; code: Code }> = {
    'no token': {
      reason: 'everyone is asked who they are',
      request,
      headers: {},
      code: Code.Unauthenticated,
    },
    'no resource': { reason: 'it is required', request: {}, code: Code.InvalidArgument },
    'a filter that is none': {
      reason: 'as over REST',
      request: { ...request, filter: '((' },
      code: Code.InvalidArgument,
    },
  };
  for (const [name, { reason, code, ...given }] of Object.entries(refusals)) {
    it(`are refused for ${name}: ${reason}`, async () => {
      const asked = list(given.request, { headers: given.headers ?? headers });
      await assert.rejects(asked, (error) => ConnectError.from(error).code === code);
    });
  }
});
