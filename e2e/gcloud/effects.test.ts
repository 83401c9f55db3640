import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HELLO_IMAGE } from '../lib/services.ts';
import { until } from '../lib/wait.ts';
import { useGcloud } from './person.ts';

/** In this order: what becomes of a service and a job that a person makes with gcloud. */
describe('gcloud at the Admin API of the cluster', function () {
  this.timeout(300_000);
  const suite = useGcloud('e2e-gcloud');
  let url: string;

  async function run(command: string): Promise<string> {
    const { code, text } = await suite.gcloud.run(command.split(' '));
    assert.equal(code, 0, text);
    return text;
  }
  const ask = async (url: string) => (await suite.visitor.ask(url)).status;

  it('deploys a service that answers to everyone, and closes it again', async () => {
    const said = await run(`run deploy hello --image=${HELLO_IMAGE} --allow-unauthenticated`);
    assert.match(said, /has been deployed and is serving.* percent of traffic/);
    url = (await run('run services describe hello --format=value(status.url)')).trim();
    await until('it answers', async () => (await ask(url)) === 200);
    const binding = '--member=allUsers --role=roles/run.invoker';
    await run(`run services remove-iam-policy-binding hello ${binding}`);
    await until('it asks who calls', async () => (await ask(url)) === 403);
    await run(`run services add-iam-policy-binding hello ${binding}`);
    await until('it answers again', async () => (await ask(url)) === 200);
  });

  it('deploys a source without a build, which answers', async () => {
    const folder = join(suite.gcloud.folder, 'source');
    mkdirSync(folder);
    const listens = "createServer((_, response) => response.end('from source')).listen(process.env.PORT)";
    writeFileSync(join(folder, 'main.js'), `const { createServer } = require('node:http');\n${listens};\n`);
    const begun = performance.now();
    const program = '--base-image=nodejs24 --command=/usr/bin/node --args=main.js';
    await run(`alpha run deploy files --source=${folder} --no-build ${program} --allow-unauthenticated`);
    const at = (await run('run services describe files --format=value(status.url)')).trim();
    await until('it answers', async () => (await suite.visitor.ask(at)).body === 'from source');
    const seconds = (performance.now() - begun) / 1000;
    console.log(`      from the folder to the answer: ${seconds.toFixed(1)} s`);
  });

  it('moves traffic between revisions', async () => {
    await run(`run deploy hello --image=${HELLO_IMAGE} --set-env-vars=A=b --no-traffic --tag=next`);
    assert.match(await run('run services describe hello'), /next: /);
    await run('run services update-traffic hello --to-tags=next=100');
    assert.equal(
      (await run('run revisions list --service=hello --format=value(name)')).trim().split('\n').length,
      2,
    );
  });

  it('runs a job to its end', async () => {
    await run(`run jobs create work --image=${HELLO_IMAGE} --set-env-vars=TASK=1 --tasks=2`);
    await run('run jobs execute work --wait');
    assert.match(await run('run jobs executions list --job=work'), /2 \/ 2/);
    await run(
      `run jobs deploy work --image=${HELLO_IMAGE} --set-env-vars=TASK=1 --tasks=1 --execute-now --wait`,
    );
    assert.match(await run('run jobs executions list --job=work'), /1 \/ 1/);
  });

  it('gives a person a role in the project, and takes it back', async () => {
    const binding = `${suite.namespace} --member=user:bob@example.com --role=roles/run.viewer`;
    assert.match(await run(`projects add-iam-policy-binding ${binding}`), /user:bob@example\.com/);
    const policy = `projects get-iam-policy ${suite.namespace} --format=json`;
    assert.match(await run(policy), /user:bob@example\.com/);
    await run(`projects remove-iam-policy-binding ${binding}`);
    assert.doesNotMatch(await run(policy), /bob/);
  });

  it('reads the logs of a service', async () => {
    // Logs go with the pods that have written them, and an idle service has none.
    const lines = async () => {
      assert.equal(await ask(url), 200);
      return run('run services logs read hello --limit=20');
    };
    await until('a line', async () => (await lines()).trim() !== '');
    assert.equal(await ask(url), 200);
    const entries = await run('logging read resource.labels.service_name=hello --limit=20 --format=json');
    assert.equal(JSON.parse(entries)[0].resource.labels.service_name, 'hello');
  });

  it('deletes what it has made', async () => {
    for (const name of ['hello', 'files']) await run(`run services delete ${name}`);
    await run('run jobs delete work');
    assert.equal((await run('run services list --format=value(name)')).trim(), '');
  });
});
