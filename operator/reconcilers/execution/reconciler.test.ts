import assert from 'node:assert/strict';
import { conditionOf } from '../../apis/condition.ts';
import { RUN } from '../../apis/labels.ts';
import { EXECUTIONS, type Execution } from '../../apis/run/execution/types.ts';
import { JOBS } from '../../apis/run/job/types.ts';
import { FakeApiServer, Rejection, type SeenRequest } from '../../testing/fakeApiServer.ts';
import { execution, job } from '../../testing/jobs.ts';
import { PINNED } from '../../testing/serving.ts';
import { ServingProcess } from '../../testing/servingProcess.ts';
import { until } from '../../testing/until.ts';
import { executionController } from './reconciler.ts';

const REF = { namespace: 'demo', name: 'by-hand' };

/** An execution that is stored as it was written, because no webhook has looked up its job. */
const WRITTEN = {
  apiVersion: 'run.googleapis.com/v1',
  kind: 'Execution',
  metadata: { ...REF, labels: { [RUN.job]: 'hello' } },
} as Execution;

describe('an execution that no webhook has filled in', () => {
  let server: FakeApiServer;
  let process: ServingProcess;

  beforeEach(async () => {
    server = await FakeApiServer.start({ types: [JOBS, EXECUTIONS] });
    // The controller never hears of a job that is made after it has begun.
    const isWatch = ({ path, query }: SeenRequest) =>
      path === '/apis/run.googleapis.com/v1/jobs' && query.has('watch');
    server.failNext(new Rejection(503, 'ServiceUnavailable', 'busy'), isWatch, Number.POSITIVE_INFINITY);
    process = new ServingProcess(server, [executionController]);
    await until('it watches executions', () =>
      server.requests.some(({ path, query }) => path.endsWith('/executions') && query.has('watch')),
    );
  });
  afterEach(async () => {
    await process.stop();
    await server.close();
  });

  const stored = () => server.get(EXECUTIONS, REF);

  it('gets what it leaves out from a job that was made a moment before', async () => {
    server.put(job({ task: { containers: [{ image: PINNED }] } }));
    server.put(WRITTEN);
    const filled = await until('it is filled in', () => stored()?.spec && stored());
    assert.equal(filled.spec?.template?.spec?.containers?.[0]?.image, PINNED);
    assert.equal(filled.metadata.ownerReferences?.[0]?.name, 'hello');
  });

  it('belongs to a job that was made a moment before, also when it leaves out nothing', async () => {
    server.put(job());
    const { metadata: _, ...complete } = execution({ task: { containers: [{ image: PINNED }] } });
    server.put({ ...complete, ...WRITTEN });
    const owned = await until('it has an owner', () => stored()?.metadata.ownerReferences);
    assert.deepEqual(
      owned.map(({ kind, name }) => [kind, name]),
      [['Job', 'hello']],
    );
  });

  it('fails when there is no such job', async () => {
    server.put(WRITTEN);
    const completed = () => conditionOf(stored()?.status?.conditions, 'Completed');
    const { message = '' } = await until(
      'it has failed',
      () => completed()?.status === 'False' && completed(),
    );
    assert.match(message, /is "hello"; there is no such job in namespace "demo"/);
  });
});
