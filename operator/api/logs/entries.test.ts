import assert from 'node:assert/strict';
import { RUN, SERVING } from '../../apis/labels.ts';
import type { Pod } from '../../kube/core.ts';
import { FakeApiServer } from '../../testing/fakeApiServer.ts';
import { type FakeLog, fakeLog } from '../../testing/fakeLogs.ts';
import { type ListEntriesRequest, type LogCall, listLogEntries } from './entries.ts';
import type { LogEntry } from './entry.ts';
import { timeOfMs } from './time.ts';

const START = Date.parse('2026-11-29T10:00:00Z');
const NAMESPACE = 'demo';

/** A time so many seconds after the start. */
const at = (seconds: number) => timeOfMs(START + seconds * 1000);

interface PodOptions {
  containers?: string[];
  labels?: Record<string, string>;
  finished?: number;
  restarted?: number;
}

function pod(name: string, options: PodOptions = {}): Pod {
  const { containers = ['web'], labels = {}, finished, restarted } = options;
  const startedAt = new Date(START).toISOString();
  const ended = (seconds: number) => ({
    startedAt,
    finishedAt: new Date(START + seconds * 1000).toISOString(),
    exitCode: 0,
  });
  const containerStatuses = containers.map((container) => ({
    name: container,
    image: 'web',
    imageID: '',
    ready: true,
    restartCount: 0,
    state: finished === undefined ? { running: { startedAt } } : { terminated: ended(finished) },
    ...(restarted !== undefined && { lastState: { terminated: ended(restarted) } }),
  }));
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: NAMESPACE, name, uid: `uid-${name}`, labels },
    spec: { containers: containers.map((container) => ({ name: container })) },
    status: { containerStatuses },
  };
}

const ofService = (service: string): PodOptions => ({
  labels: {
    [SERVING.service]: service,
    [SERVING.configuration]: service,
    [SERVING.revision]: `${service}-00001-abc`,
  },
});
const ofJob = (job: string): PodOptions => ({ labels: { [RUN.job]: job, [RUN.execution]: `${job}-x1` } });

/** One line every `every` seconds. */
function steady(count: number, every: number, text: (index: number) => string): FakeLog {
  return { count, lineAt: (index) => `${at(index * every)} ${text(index)}` };
}

/** The same for several containers: each line is made once. */
function shared({ count, lineAt }: FakeLog): FakeLog {
  const lines = new Map<number, string>();
  return {
    count,
    lineAt: (index) => {
      const line = lines.get(index) ?? lineAt(index);
      lines.set(index, line);
      return line;
    },
  };
}

const payload = ({ textPayload, jsonPayload }: LogEntry) => textPayload ?? jsonPayload;

describe('entries of logs', function () {
  this.timeout(300_000);
  let server: FakeApiServer;

  beforeEach(async () => {
    server = await FakeApiServer.start();
  });
  afterEach(() => server.close());

  const call = (limits: LogCall['limits'] = {}): LogCall => ({
    client: server.client,
    scopeOf: (project) => ({ namespace: project, projectId: project, location: 'local' }),
    signal: new AbortController().signal,
    limits,
  });
  const list = (request: ListEntriesRequest = {}, limits?: LogCall['limits']) =>
    listLogEntries(call(limits), { resourceNames: ['projects/demo'], orderBy: 'timestamp desc', ...request });

  /** All pages, which must not repeat or lose anything. */
  async function all(
    request: ListEntriesRequest,
    limits?: LogCall['limits'],
  ): Promise<{ entries: LogEntry[]; pages: number }> {
    const entries: LogEntry[] = [];
    let pageToken = '';
    for (let pages = 1; ; pages++) {
      const page = await list({ ...request, pageToken }, limits);
      entries.push(...page.entries);
      if (page.nextPageToken === undefined) return { entries, pages };
      assert.ok(pages < 500, 'pages without end');
      pageToken = page.nextPageToken;
    }
  }

  it('shows a line of text with all that Cloud Run says of it', async () => {
    server.put(pod('hello-1', ofService('hello')));
    server.logs.set('demo/hello-1/web', fakeLog(`${at(1.5)} hello world`));
    const { entries, nextPageToken } = await list();
    assert.equal(nextPageToken, undefined);
    const [{ insertId, labels, ...entry }] = entries as [LogEntry];
    assert.deepEqual(entry, {
      logName: 'projects/demo/logs/run.googleapis.com%2Fstdout',
      resource: {
        type: 'cloud_run_revision',
        labels: {
          project_id: 'demo',
          location: 'local',
          service_name: 'hello',
          configuration_name: 'hello',
          revision_name: 'hello-00001-abc',
        },
      },
      timestamp: '2026-11-29T10:00:01.500000000Z',
      receiveTimestamp: '2026-11-29T10:00:01.500000000Z',
      severity: 'DEFAULT',
      textPayload: 'hello world',
    });
    assert.match(labels.instanceId ?? '', /^00[0-9a-f]{128}$/);
    assert.equal(insertId, (await list()).entries[0]?.insertId);
  });

  it('shows tasks of jobs, worker pools and each container of several', async () => {
    server.put(pod('j-0', { ...ofJob('j'), finished: 10 }));
    server.put(
      pod('p-0', {
        labels: { [RUN.workerPool]: 'p', [SERVING.revision]: 'p-00001-abc' },
        containers: ['main', 'side'],
      }),
    );
    server.put(pod('other', {}));
    for (const key of ['j-0/web', 'p-0/main', 'p-0/side', 'other/web'])
      server.logs.set(`demo/${key}`, fakeLog(`${at(1)} ${key}`));
    const { entries } = await list();
    const shown = entries.map(({ resource, labels, textPayload }) => [
      resource.type,
      resource.labels.job_name ?? resource.labels.worker_pool_name,
      labels['run.googleapis.com/execution_name'] ?? labels.container_name,
      textPayload,
    ]);
    assert.deepEqual(shown, [
      ['cloud_run_job', 'j', 'j-x1', 'j-0/web'],
      ['cloud_run_worker_pool', 'p', 'main', 'p-0/main'],
      ['cloud_run_worker_pool', 'p', 'side', 'p-0/side'],
    ]);
  });

  it('merges many logs in pages that repeat and lose nothing', async () => {
    for (let index = 0; index < 3; index++) {
      server.put(pod(`hello-${index}`, ofService('hello')));
      server.logs.set(
        `demo/hello-${index}/web`,
        steady(220, 0.25 + index, (line) => `${index}/${line}`),
      );
    }
    for (const orderBy of ['timestamp desc', 'timestamp asc']) {
      const { entries } = await all({ orderBy, pageSize: 300 });
      const times = entries.map(({ timestamp }) => timestamp);
      const sorted = times.toSorted();
      assert.deepEqual(times, orderBy === 'timestamp asc' ? sorted : sorted.reverse());
      assert.equal(new Set(entries.map(({ textPayload }) => textPayload)).size, 3 * 220);
      assert.equal(entries.length, 3 * 220);
    }
  });

  it('reads no log that a filter rules out, nor one that ended before', async () => {
    server.put(pod('hello-1', ofService('hello')));
    server.put(pod('other-1', ofService('other')));
    server.put(pod('old', { ...ofService('hello'), finished: 5 }));
    for (const name of ['hello-1', 'other-1', 'old'])
      server.logs.set(`demo/${name}/web`, fakeLog(`${at(100)} ${name}`));
    const filter = `resource.type = cloud_run_revision AND resource.labels.service_name = hello AND timestamp>="${at(60)}"`;
    assert.deepEqual((await list({ filter })).entries.map(payload), ['hello-1']);
    const read = server.requests
      .filter(({ path }) => path.endsWith('/log'))
      .map(({ path }) => path.split('/').at(-2));
    assert.deepEqual([...new Set(read)], ['hello-1']);
    server.requests = [];
    assert.deepEqual((await list({ filter: 'resource.labels.location=elsewhere' })).entries, []);
    assert.deepEqual((await list({ filter: 'resource.type=gce_instance' })).entries, []);
    assert.deepEqual(
      server.requests.filter(({ path }) => path.endsWith('/log')),
      [],
    );
  });

  it('opens of many finished tasks only the last ones', async () => {
    for (let index = 0; index < 120; index++) {
      const name = `j-${String(index).padStart(3, '0')}`;
      server.put(pod(name, { ...ofJob('j'), finished: 100 * index }));
      server.logs.set(`demo/${name}/web`, fakeLog(`${at(100 * index)} ${name}`));
    }
    const { entries } = await list({ filter: 'resource.labels.job_name=j', pageSize: 3 });
    assert.deepEqual(entries.map(payload), ['j-119', 'j-118', 'j-117']);
    assert.ok(server.requests.filter(({ path }) => path.endsWith('/log')).length <= 24);
    assert.equal((await all({ pageSize: 100 })).entries.length, 120);
  });

  it('shows the run before the last restart, and skips a log that is gone', async () => {
    server.put(pod('hello-1', { ...ofService('hello'), restarted: 50 }));
    server.put(pod('gone', ofService('hello')));
    server.logs.set('demo/hello-1/web', fakeLog(`${at(60)} second`));
    server.logs.set('demo/hello-1/web/previous', fakeLog(`${at(49)} first`));
    assert.deepEqual((await list()).entries.map(payload), ['second', 'first']);
  });

  it('says that a log cannot be read, once, and shows the others', async () => {
    for (const name of ['hello-1', 'lost']) server.put(pod(name, ofService('hello')));
    server.logs.set('demo/hello-1/web', steady(30, 1, String));
    server.logs.set('demo/lost/web', { ...fakeLog(), fails: 500 });
    const { entries } = await all({ pageSize: 10 });
    assert.match(
      String(entries[0]?.textPayload),
      /^The log of container web of pod lost cannot be read: .*the node does not answer/,
    );
    assert.equal(entries[0]?.severity, 'WARNING');
    assert.equal(entries.length, 31);
  });

  it('keeps the beginning of a line that is too long', async () => {
    server.put(pod('hello-1', ofService('hello')));
    server.logs.set('demo/hello-1/web', fakeLog(`${at(1)} ${'x'.repeat(3_000_000)}`, `${at(2)} next`));
    const { entries } = await list();
    assert.deepEqual(
      entries.map(({ textPayload = '' }) => textPayload.length),
      [4, 256 * 1024 - 31],
    );
  });

  const wrong: Record<string, [request: ListEntriesRequest, message: RegExp]> = {
    'no resource': [{ resourceNames: [] }, /^resourceNames: name 0 projects; they must name one/],
    'two projects': [{ resourceNames: ['projects/a', 'projects/b'] }, /^resourceNames: name 2 projects/],
    'a folder': [
      { resourceNames: ['folders/1'] },
      /^resourceNames\[0\]: is "folders\/1"; it must be projects\/PROJECT/,
    ],
    'another order': [{ orderBy: 'severity' }, /^orderBy: is "severity"; it must be "timestamp asc"/],
    'a negative page': [{ pageSize: -1 }, /^pageSize: is -1/],
    'a token that is none': [{ pageToken: 'abc' }, /^pageToken: is not one that an earlier answer gave/],
    'a filter that is none': [{ filter: 'severity>' }, /^filter: has the end at character 10/],
    'a filter that is no text': [{ filter: {} }, /^filter: is \{\}; it must be text/],
    'an unknown field': [{ limit: 5 } as ListEntriesRequest, /^limit: is not a field/],
  };
  for (const [name, [request, message]] of Object.entries(wrong)) {
    it(`refuses ${name}`, () => assert.rejects(list(request), { code: 'INVALID_ARGUMENT', message }));
  }

  it('refuses a token of another filter', async () => {
    server.put(pod('hello-1', ofService('hello')));
    server.logs.set('demo/hello-1/web', steady(10, 1, String));
    const { nextPageToken } = await list({ pageSize: 2 });
    await assert.rejects(
      list({ pageToken: nextPageToken, filter: 'severity>=INFO' }),
      /pageToken: is of a request with another filter/,
    );
  });

  it('takes bounded memory and time for 100 pods with 100 MB each', async () => {
    const line = (index: number) => `${index} ${'x'.repeat(180)}`;
    const log = shared(steady(500_000, 0.1, line));
    for (let index = 0; index < 100; index++) {
      server.put(pod(`hello-${index}`, ofService('hello')));
      server.logs.set(`demo/hello-${index}/web`, log);
    }
    const searches: ListEntriesRequest[] = [
      { pageSize: 1000 },
      { pageSize: 1000, orderBy: 'timestamp asc' },
      { pageSize: 1000, filter: 'textPayload:"nothing has this"' },
    ];
    for (const search of searches) {
      server.logBytes = 0;
      const before = process.cpuUsage();
      const { entries, nextPageToken } = await list(search);
      const { user, system } = process.cpuUsage(before);
      const seconds = (user + system) / 1e6;
      assert.equal(entries.length, search.filter ? 0 : 1000);
      assert.ok(nextPageToken);
      assert.ok(server.logBytes < 300_000_000, `${server.logBytes} bytes read`);
      assert.ok(seconds < 40, `${seconds} s of CPU`);
    }
  });
});
