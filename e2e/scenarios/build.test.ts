import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BUILD } from '../../operator/api/build/names.ts';
import { PODS } from '../../operator/kube/core.ts';
import { useGcloud } from '../gcloud/person.ts';
import { poolReady } from '../lib/pools.ts';
import { CONTRACT_IMAGES } from '../lib/services.ts';
import { until } from '../lib/wait.ts';

const REGION = '--region=local-cluster1';
const NODE = '/usr/bin/node';
/** A server whose answer is what an expression gives. */
const SERVER = (expression: string) =>
  `require('node:http').createServer((_, answer) => answer.end(${expression})).listen(process.env.PORT);`;
/** Seconds from the folder to an answer, with warm caches. */
const BAR_SECONDS = 60;

type Files = Readonly<Record<string, string>>;

/** A program of one stage that another stage has made, as most Dockerfiles have it. */
function twoStages(program: string): Files {
  return {
    Dockerfile: `
      FROM ${CONTRACT_IMAGES.node} AS build
      COPY make.js ./
      RUN ["${NODE}", "make.js"]
      FROM ${CONTRACT_IMAGES.node}
      COPY --from=build /work/made.js /app/made.cjs
      ENTRYPOINT ["${NODE}", "/app/made.cjs"]`,
    'make.js': `require('node:fs').writeFileSync('made.js', ${JSON.stringify(program)});`,
  };
}

/** What does nothing but run a program while it is built. */
function oneStep(program: string): Files {
  const step = JSON.stringify([NODE, '-e', program]);
  return { Dockerfile: `FROM ${CONTRACT_IMAGES.node}\nRUN ${step}\n` };
}

/** In this order: what becomes of sources that gcloud has built on the cluster, by BuildKit and by buildpacks. */
describe('gcloud deploys sources that the cluster builds', function () {
  this.timeout(300_000);
  const suite = useGcloud('e2e-build');

  const gcloud = (command: string) => suite.gcloud.run(command.split(' '));
  async function run(command: string): Promise<string> {
    const { code, text } = await gcloud(command);
    assert.equal(code, 0, text);
    return text;
  }
  async function fail(command: string): Promise<string> {
    const { code, text } = await gcloud(command);
    assert.equal(code, 1, text);
    return text;
  }
  function source(name: string, files: Files): string {
    const folder = join(suite.gcloud.folder, name);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder);
    for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
    return `--source=${folder}`;
  }
  const deploy = (name: string, files: Files, more = '') =>
    `run deploy ${name} ${source(name, files)} --allow-unauthenticated${more}`;
  async function answers(name: string, text: string): Promise<void> {
    const url = (await run(`run services describe ${name} --format=value(status.url)`)).trim();
    await until(`${name} answers`, async () => (await suite.visitor.ask(url)).body === text);
  }
  /** The ids of all builds, the newest first. */
  const builds = async () => (await run(`builds list ${REGION} --format=value(id)`)).trim().split('\n');

  it('with a Dockerfile, which answers', async () => {
    await run(deploy('hello', twoStages(SERVER('"first"'))));
    await answers('hello', 'first');
  });

  it(`again with warm caches, within ${BAR_SECONDS} s`, async () => {
    const begun = performance.now();
    await run(deploy('hello', twoStages(SERVER('"second"'))));
    await answers('hello', 'second');
    const seconds = (performance.now() - begun) / 1000;
    console.log(`      from the folder to the answer: ${seconds.toFixed(1)} s`);
    assert.ok(seconds < BAR_SECONDS, `${seconds} s`);
  });

  it('with a Dockerfile, and shows the log', async () => {
    const [id] = await builds();
    assert.match(
      await run(`builds log ${id} ${REGION}`),
      /\[build 3\/3\] RUN[\s\S]*pushing manifest[\s\S]*DONE/,
    );
  });

  it('without a Dockerfile, by a buildpack, with a variable of the build', async () => {
    const text = "require('node:fs').readFileSync('/layers/app/e2e_node/greeting/text')";
    const files = { 'package.json': '{}', 'server.js': SERVER(text) };
    await run(deploy('packed', files, ' --set-build-env-vars=GREETING=bob'));
    await answers('packed', 'hello bob\n');
  });

  const failures: Record<string, { reason: string; files: Files; says: RegExp }> = {
    'a step that fails': {
      reason: 'its last lines say why',
      files: oneStep("console.error('left-pad is missing'); process.exit(3)"),
      says: /ended with exit code 1\.[\s\S]*left-pad is missing[\s\S]*exit code: 3/,
    },
    'a Dockerfile that is none': {
      reason: 'the line is named',
      files: { Dockerfile: `FROM ${CONTRACT_IMAGES.node}\nRUNN x\n` },
      says: /unknown instruction: RUNN/,
    },
    'more memory than there is': {
      reason: 'the limit and its value are named',
      // At once: a program that goes on close to its limit reads its own code from the disk again and again, for minutes.
      files: oneStep('Buffer.alloc(2 ** 30, 1)'),
      says: /(ran out of memory|as happens when memory runs out)\. It may use 512Mi \(chart value build\.resources/,
    },
    'a buildpack that fails': {
      reason: 'its last lines say why',
      files: { 'package.json': '{}', fails: 'no such version of Node' },
      says: /ended with exit code \d+\.[\s\S]*no such version of Node/,
    },
  };
  for (const [name, { reason, files, says }] of Object.entries(failures)) {
    it(`not with ${name}: ${reason}`, async () => {
      assert.match(await fail(deploy('failing', files)), says);
      const [id] = await builds();
      const detail = await run(`builds describe ${id} ${REGION} --format=value(statusDetail)`);
      assert.match(detail, says, 'what is kept with the build');
    });
  }

  it('not where the build is cancelled, which ends its pod', async () => {
    const before = new Set(await builds());
    const deployed = fail(deploy('endless', oneStep('setInterval(() => {}, 1000)')));
    const id = await until('the build', async () => (await builds()).find((each) => !before.has(each)));
    await until('its step', async () => (await run(`builds log ${id} ${REGION}`)).includes('[2/2] RUN'));
    await run(`builds cancel ${id} ${REGION}`);
    assert.match(await deployed, /cancelled/i);
    const query = { namespace: suite.namespace, labelSelector: `${BUILD.id}=${id}` };
    await until('its pod is gone', async () => (await suite.client.list(PODS, query)).items.length === 0);
  });

  it('as a job, which runs to its end', async () => {
    const from = source('task', twoStages("console.log('worked')"));
    const said = await run(`run jobs deploy task ${from} --execute-now --wait`);
    assert.match(said, /completed execution/);
  });

  it('as a worker pool, whose instance runs', async () => {
    const from = source('pool', twoStages("setInterval(() => console.log('works'), 1000)"));
    assert.match(await run(`beta run worker-pools deploy pool ${from}`), /has been deployed/);
    await poolReady(suite.client, suite.namespace, 'pool');
  });
});
