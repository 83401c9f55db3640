import { spawn, spawnSync } from 'node:child_process';
import { createWriteStream, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { finished } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { NAMESPACES } from '../../operator/kube/core.ts';
import { connect, freshNamespace, gatewayAddress, kubectl, SYSTEM_NAMESPACE } from '../lib/cluster.ts';
import { Output, type Result } from './output.ts';

/** The suites by what they judge, and their binaries. */
const SUITES = { runtime: 'runtime.test', api: 'v1.test' };
/** The suite's own names for the places that it works in. */
const WORKPLACES = ['serving-tests', 'serving-tests-alt', 'tls'];
const SUITE_LIMIT = '15m';
/** Tests at a time: most of their time they wait, but two cores can start only so many instances in it. */
const PARALLEL = 4;
/** The suite logs whole objects; what is cut here is in the log file. */
const SHOWN_COLUMNS = 600;

const MARKS = { passed: '✔', failed: '✖', skipped: '- skipped:', unfinished: '✖ did not end:' };

/** Names of the tests that a binary holds and the expression chooses. */
function testsOf(binary: string, expression: string): string[] {
  const { stdout, status, stderr } = spawnSync(binary, ['-test.list', expression], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${binary} does not list its tests: ${stderr}`);
  return stdout.split('\n').filter((line) => line.startsWith('Test'));
}

function tell({ name, outcome, seconds, log }: Result): void {
  console.log(`    ${MARKS[outcome]} ${name} (${seconds.toFixed(1)} s)`);
  if (outcome === 'passed') return;
  for (const line of log) {
    console.log(`      ${line.length > SHOWN_COLUMNS ? `${line.slice(0, SHOWN_COLUMNS)} ...` : line}`);
  }
}

/** Runs a suite against the gateway's address and gives the results of all its chosen tests. */
async function runSuite(suite: keyof typeof SUITES, expression: string, host: string): Promise<Result[]> {
  const binary = `${folder}/${SUITES[suite]}`;
  const tests = testsOf(binary, expression);
  if (tests.length === 0) return [];
  console.log(`\n  Knative Serving conformance, ${suite} (${tests.length} tests)`);
  const output = new Output(tests, tell);
  const everything = createWriteStream(new URL(`./${suite}.log`, import.meta.url));
  const child = spawn(
    binary,
    [
      ...['-test.v', '-test.count=1', `-test.parallel=${PARALLEL}`, `-test.timeout=${SUITE_LIMIT}`],
      ...['-test.run', expression, '-kubeconfig', process.env.KUBECONFIG ?? '', '-ingressendpoint', host],
      ...['-dockerrepo', 'registry.kube-system.svc', '-tag', '1'],
      ...['-imagetemplate', '{{.Repository}}/conformance-{{.Name}}:{{.Tag}}'],
      ...['-enable-beta=true', '-disable-logstream=true'],
    ],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        GATEWAY_OVERRIDE: 'homerun-gateway',
        GATEWAY_NAMESPACE_OVERRIDE: SYSTEM_NAMESPACE,
        SYSTEM_NAMESPACE,
      },
    },
  );
  child.stderr.pipe(everything, { end: false });
  child.stdout.pipe(everything, { end: false });
  const ended = new Promise((resolve) => child.once('close', resolve));
  for await (const line of createInterface({ input: child.stdout })) output.line(line);
  await ended;
  everything.end();
  await finished(everything);
  return output.close();
}

const { values, positionals } = parseArgs({
  options: { output: { type: 'string' } },
  allowPositionals: true,
});
const [folder = '', expression = '.'] = positionals;
const client = await connect();
const { host } = await gatewayAddress(client);
await Promise.all(WORKPLACES.map((name) => freshNamespace(client, name)));
await kubectl(['apply', '-f', `${folder}/test-resources.yaml`]);

const started = performance.now();
const results: Result[] = [];
for (const suite of Object.keys(SUITES) as (keyof typeof SUITES)[]) {
  results.push(...(await runSuite(suite, expression, host)));
}
await Promise.all(WORKPLACES.map((name) => client.delete(NAMESPACES, { name })));

const count = (...outcomes: Result['outcome'][]) =>
  results.filter(({ outcome }) => outcomes.includes(outcome)).length;
const totals = {
  passes: count('passed'),
  failures: count('failed', 'unfinished'),
  pending: count('skipped'),
  notPassed: results.flatMap(({ name, outcome }) => (outcome === 'passed' ? [] : `${name}: ${outcome}`)),
};
if (values.output) writeFileSync(values.output, JSON.stringify(totals));
const seconds = ((performance.now() - started) / 1000).toFixed(0);
console.log(
  `\nKnative conformance: ${totals.passes} of ${results.length} passed, ${totals.failures} failed, ` +
    `${totals.pending} skipped in ${seconds} s`,
);
process.exitCode = totals.passes === results.length && results.length > 0 ? 0 : 1;
