import assert from 'node:assert/strict';
import { Agent, textOf } from '../lib/agent.ts';
import { useSuite } from '../lib/suite.ts';
import { until } from '../lib/wait.ts';

const SERVER = `
const { createServer } = require('node:http');
createServer((request, response) => {
  console.log('asked for ' + request.url);
  response.end('hello from a file');
}).listen(process.env.PORT);
`;
const BROKEN = "console.error('DATABASE_URL is not set'); process.exit(1);";

/** In this order: what an agent does with a service whose source it has written. */
describe('an agent with the tools of the Admin API', function () {
  this.timeout(300_000);
  const suite = useSuite('e2e-agent');
  let agent: Agent;
  let url: string;

  before(async () => {
    agent = await Agent.start(suite);
  });
  after(() => agent?.close());

  it('finds no services', async () => {
    assert.deepEqual((await agent.use('list_services')).structuredContent, {
      project: suite.namespace,
      services: [],
    });
  });

  it('deploys a file, which answers', async () => {
    const begun = performance.now();
    const made = await agent.deploy('hello', SERVER);
    assert.ok(!made.isError, textOf(made));
    url = (made.structuredContent as { uri: string }).uri;
    const { status, body } = await suite.visitor.ask(`${url}/first`);
    assert.deepEqual([status, body], [200, 'hello from a file']);
    const seconds = (performance.now() - begun) / 1000;
    console.log(`      from the files to the answer: ${seconds.toFixed(1)} s`);
  });

  it('reads of it, and what it has written', async () => {
    const { structuredContent } = await agent.use('get_service', { name: 'hello' });
    assert.equal((structuredContent as { uri: string }).uri, url);
    await until('its log', async () =>
      textOf(await agent.use('get_service_log', { service: 'hello' })).includes('asked for /first'),
    );
  });

  it('deploys one that does not start, and reads why', async () => {
    const broken = await agent.deploy('hello', BROKEN);
    assert.equal(broken.isError, true);
    assert.match(textOf(broken), /^FAILED_PRECONDITION: .*DATABASE_URL is not set/s);
    assert.equal((await suite.visitor.ask(url)).status, 200, 'what has worked goes on');
  });
});
