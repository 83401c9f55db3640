import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { RUN } from '../../apis/annotations/run.ts';
import { SERVICES } from '../../apis/serving/service/types.ts';
import { parseSource } from '../../apis/sourceUrl.ts';
import { FileStore } from '../storage/fileStore.ts';
import { NAMESPACE, type PEOPLE, REGION } from '../testing/installation.ts';
import { mcpClient } from '../testing/mcpClient.ts';
import { useReadyApi } from '../testing/readiness.ts';

const PLACE = `projects/${NAMESPACE}/locations/${REGION}`;
const IMAGE = 'gcr.io/p/app:1';
const BUCKET = `run-sources-${NAMESPACE}-${REGION}`;

/** A service that runs a source on an image. */
const source = (name: string, sourceCode: object) => ({
  name,
  project: NAMESPACE,
  template: {
    containers: [{ sourceCode, baseImageUri: 'docker.io/library/node:24', command: ['node', 'main.js'] }],
  },
});

/** What an agent does, with the SDK's own client. */
describe('MCP on a real API server', function () {
  this.timeout(120_000);
  const opened: Client[] = [];
  const installation = useReadyApi();
  let folder: string;
  let api: (typeof installation)['api'];
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sources-'));
    api = await installation.start({ storage: { folder } });
  });
  after(async () => {
    await api?.stop();
    await rm(folder, { recursive: true });
  });
  afterEach(() => Promise.all(opened.splice(0).map((client) => client.close())));

  const connect = async (token?: string): Promise<Client> => {
    const { authority } = installation;
    const url = `https://127.0.0.1:${api.port}/mcp`;
    const client = await mcpClient({ url, authority, servername: 'localhost', token });
    opened.push(client);
    return client;
  };
  const as = (person: keyof typeof PEOPLE) => connect(installation.tokens[person]);
  const deployment = (name: string, image: string, more: object = {}) => ({
    name: 'deploy_service_from_image',
    arguments: {
      service: {
        name,
        project: NAMESPACE,
        region: REGION,
        template: { containers: [{ image, ...more }] },
      },
    },
  });
  const call = async (client: Client, name: string, given: object = {}) =>
    (await client.callTool({ name, arguments: { project: NAMESPACE, ...given } })) as CallToolResult;
  const textOf = ({ content }: CallToolResult) => (content[0] as { text: string }).text;

  it("has the tools of Cloud Run's own server, and those for logs and jobs", async () => {
    const { tools } = await (await as('viewer')).listTools();
    const names = tools.map(({ name }) => name);
    for (const name of [
      'list_services',
      'get_service',
      'deploy_service_from_image',
      'deploy_service_from_archive',
      'deploy_service_from_file_contents',
      'get_service_log',
      'list_jobs',
      'execute_job',
    ]) {
      ok(names.includes(name), name);
    }
    const list = tools.find(({ name }) => name === 'list_services');
    deepEqual(list?.inputSchema.required, ['project']);
    equal(list?.annotations?.readOnlyHint, true);
  });

  it('deploys, reports while it waits, describes, lists and reads the log', async () => {
    const client = await as('editor');
    const reports: (string | undefined)[] = [];
    const onprogress = ({ message }: { message?: string }) => reports.push(message);
    const made = await client.callTool(deployment('hello', IMAGE), undefined, { onprogress });
    ok(!made.isError, JSON.stringify(made));
    const { name, uri, terminalCondition } = made.structuredContent as {
      name: string;
      uri: string;
      terminalCondition: { state: string };
    };
    equal(name, `${PLACE}/services/hello`);
    equal(uri, 'https://hello.demo.example.test');
    equal(terminalCondition.state, 'CONDITION_SUCCEEDED');
    match(reports[0] ?? '', /^Service hello is being deployed/);

    const env = [{ name: 'A', value: 'b' }];
    await client.callTool(deployment('hello', IMAGE, { env }));
    await call(client, 'deploy_container_image', { service: 'hello', imageUrl: 'gcr.io/p/app:2' });
    const stored = await installation.client.get(SERVICES, { namespace: NAMESPACE, name: 'hello' });
    const [container] = stored?.spec.template.spec.containers ?? [];
    deepEqual([container?.image, container?.env], ['gcr.io/p/app:2', env], 'what is not given stays');

    const described = await call(client, 'get_service', { name: 'hello', region: REGION });
    equal((described.structuredContent as { uri: string }).uri, uri);
    const listed = await call(client, 'list_services', { region: REGION });
    const { services } = listed.structuredContent as { services: { name: string }[] };
    ok(services.some((each) => each.name === name));
    equal(textOf(await call(client, 'get_service_log', { service: 'hello' })), 'There are no log lines.');
  });

  it('deploys files from their contents and an archive, and an image after that runs as it is', async () => {
    const client = await as('editor');
    const sources = [
      { filename: 'main.js', content: 'console.log(1)' },
      { filename: 'bin/run', content: '#!/bin/sh' },
    ];
    const made = await call(client, 'deploy_service_from_file_contents', {
      service: source('files', { inlinedSource: { sources } }),
    });
    ok(!made.isError, JSON.stringify(made));
    const stored = async () => installation.client.get(SERVICES, { namespace: NAMESPACE, name: 'files' });
    const template = (await stored())?.spec.template;
    const { [RUN.sources]: url = '', [RUN.baseImages]: images = '' } = template?.metadata?.annotations ?? {};
    deepEqual(JSON.parse(images), { '': 'docker.io/library/node:24' });
    deepEqual(template?.spec.containers[0]?.image, 'scratch');
    const object = parseSource(JSON.parse(url)['']);
    ok(object?.generation);
    const kept = await new FileStore(folder, { objectBytes: 1, bucketBytes: 1 }).get(object);
    ok(kept?.name.startsWith('services/files/') && kept.name.endsWith('.tar.gz'));

    const cloudStorageSource = { bucket: object.bucket, object: object.name };
    const again = await call(client, 'deploy_service_from_archive', {
      service: source('files', { cloudStorageSource }),
    });
    ok(!again.isError, JSON.stringify(again));
    equal((await stored())?.spec.template.metadata?.annotations?.[RUN.sources], url, 'with its generation');

    await call(client, 'deploy_container_image', { service: 'files', imageUrl: IMAGE });
    const { annotations } = (await stored())?.spec.template.metadata ?? {};
    deepEqual([annotations?.[RUN.sources], annotations?.[RUN.baseImages]], [undefined, undefined]);
  });

  it('says why a deployment failed', async () => {
    const failed = (await (await as('editor')).callTool(deployment('bad', 'broken'))) as CallToolResult;
    equal(failed.isError, true);
    match(textOf(failed), /^FAILED_PRECONDITION: Service bad .*the image broken cannot be pulled/);
  });

  it('runs jobs and waits for them', async () => {
    const client = await as('editor');
    const metadata = { name: 'nightly', namespace: NAMESPACE };
    const spec = { template: { spec: { template: { spec: { containers: [{ image: IMAGE }] } } } } };
    const path = `/apis/run.googleapis.com/v1/namespaces/${NAMESPACE}/jobs`;
    const body = { apiVersion: 'run.googleapis.com/v1', kind: 'Job', metadata, spec };
    await installation.client.request('POST', path, { body });
    const run = await call(client, 'execute_job', { job: 'nightly', args: ['a'], taskCount: 1 });
    ok(!run.isError, JSON.stringify(run));
    const { name, completionTime } = run.structuredContent as { name: string; completionTime: string };
    match(name, /\/jobs\/nightly\/executions\/nightly-/);
    ok(completionTime);
    const execution = name.split('/').at(-1);
    const read = await call(client, 'get_execution', { job: 'nightly', execution });
    equal((read.structuredContent as { name: string }).name, name);
    const { jobs } = (await call(client, 'list_jobs')).structuredContent as { jobs: { name: string }[] };
    deepEqual(
      jobs.map((each) => each.name),
      [`${PLACE}/jobs/nightly`],
    );
    equal(textOf(await call(client, 'get_job_log', { job: 'nightly' })), 'There are no log lines.');
  });

  const refusals: Record<
    string,
    { reason: string; as?: keyof typeof PEOPLE; tool: string; given: object; want: RegExp }
  > = {
    'an archive that is not there': {
      reason: 'the model is told so',
      tool: 'deploy_service_from_archive',
      given: { service: source('x', { cloudStorageSource: { bucket: BUCKET, object: 'x' } }) },
      want: /^NOT_FOUND: No such object: gs:\/\/run-sources-demo-local-cluster1\/x/,
    },
    "an archive of another project's bucket": {
      reason: 'the person has no rights there',
      tool: 'deploy_service_from_archive',
      given: {
        service: source('x', {
          cloudStorageSource: { bucket: 'run-sources-other-local-cluster1', object: 'x' },
        }),
      },
      want: /^PERMISSION_DENIED: Permission 'storage\.objects\.get' denied/,
    },
    'files that would be elsewhere': {
      reason: 'each is named',
      tool: 'deploy_service_from_file_contents',
      given: {
        service: source('x', {
          inlinedSource: {
            sources: [
              { filename: 'a', content: '' },
              { filename: '../b', content: '' },
            ],
          },
        }),
      },
      want: /^INVALID_ARGUMENT: .*sources\[1\]\.filename: The archive's entry "\.\.\/b" has a name with "\.\." in it/,
    },
    'files from a viewer': {
      reason: 'everything is done as the person',
      as: 'viewer',
      tool: 'deploy_service_from_file_contents',
      given: { service: source('x', { inlinedSource: { sources: [{ filename: 'a', content: '' }] } }) },
      want: /^PERMISSION_DENIED: Permission 'storage\.objects\.create' denied/,
    },
    'a deployment by a viewer': {
      reason: 'everything is done as the person',
      as: 'viewer',
      tool: 'deploy_container_image',
      given: { service: 'hello', imageUrl: IMAGE },
      want: /^PERMISSION_DENIED: Permission 'run\.services\.(update|create)' denied/,
    },
    'a list by a stranger': {
      reason: 'everything is done as the person',
      as: 'stranger',
      tool: 'list_services',
      given: {},
      want: /^PERMISSION_DENIED: Permission 'run\.services\.list' denied/,
    },
    'another region': {
      reason: 'a cluster is one',
      tool: 'list_services',
      given: { region: 'mars-north1' },
      want: /^INVALID_ARGUMENT: location: is "mars-north1"; it must be local-cluster1/,
    },
    'no name': {
      reason: 'it must be known which service is meant',
      tool: 'get_service',
      given: {},
      want: /^INVALID_ARGUMENT: name: must be set/,
    },
    'a service that is not there': {
      reason: 'the model is told so',
      tool: 'get_service',
      given: { name: 'nothing' },
      want: /^NOT_FOUND: /,
    },
    'an argument of another type': {
      reason: 'the model is told which',
      tool: 'get_job',
      given: { job: 5 },
      want: /^INVALID_ARGUMENT: arguments\.job: is 5; it must be a text/,
    },
    'a field that a container does not have': {
      reason: 'a typing error would be lost',
      tool: 'deploy_service_from_image',
      given: {
        service: { name: 'x', project: NAMESPACE, template: { containers: [{ image: IMAGE, colour: 1 }] } },
      },
      want: /^INVALID_ARGUMENT: service\.template\.containers\[0\]\.colour: there is no such field/,
    },
  };
  for (const [name, { reason, as: person = 'editor', tool, given, want }] of Object.entries(refusals)) {
    it(`refuses ${name}: ${reason}`, async () => {
      const refused = await call(await as(person), tool, given);
      equal(refused.isError, true, JSON.stringify(refused));
      match(textOf(refused), want);
    });
  }

  it('asks everyone who they are, and knows its tools', async () => {
    await rejects(connect(), /401|authenticat/i);
    await rejects(connect('nobody'), /401|authenticat/i);
    await rejects((await as('editor')).callTool({ name: 'drop_cluster' }), /There is no tool drop_cluster/);
  });
});
