import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HAS_GCLOUD } from '../operator/api/testing/gcloud.ts';
import { areBuilt, areCached } from './lib/built.ts';
import { runMocha } from './watchdog/mocha.ts';

/** Tests that passed and failed; a step that is not a test counts as one failure when it fails. */
interface Totals {
  passed: number;
  failed: number;
}

const root = new URL('..', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'homerun-test-'));
const totals: Totals = { passed: 0, failed: 0 };
/** What failed or did not run to its end, a line each: the end of the output says all of it again. */
const failures: string[] = [];

// The tests start hundreds of processes and threads, each of which would remove the types of the same files again.
process.env.NODE_COMPILE_CACHE ??= join(root, 'node_modules/.cache/compile');

/** No step takes so long, cold caches included. */
const LIMIT_MINUTES = 40;

/** Runs a command; true if it succeeded. */
async function run(command: string, args: readonly string[]): Promise<boolean> {
  console.log(`\n$ ${[command, ...args].join(' ')}`);
  const limits = { timeout: LIMIT_MINUTES * 60_000, killSignal: 'SIGKILL' } as const;
  try {
    const [status] = await once(spawn(command, args, { cwd: root, stdio: 'inherit', ...limits }), 'exit');
    return status === 0;
  } catch (error) {
    console.error(`${command}: ${(error as Error).message}`);
    return false;
  }
}

/** A step that must succeed for the rest to mean anything. */
async function step(command: string, ...args: string[]): Promise<boolean> {
  const succeeded = await run(command, args);
  if (!succeeded) {
    totals.failed += 1;
    failures.push([command, ...args].join(' '));
  }
  return succeeded;
}

/** Between two parts: the containers of the one before would make each switch of a process dearer in the next. */
async function forgetContainers(): Promise<void> {
  await step('e2e/cluster/node/forget');
}

/** Knative's own tests; a skipped one and a run that ends without totals are failures. */
async function conformance(): Promise<void> {
  const output = join(folder, 'totals.json');
  const succeeded = await run('e2e/conformance/run', [`--output=${output}`]);
  try {
    const { passes, notPassed } = JSON.parse(readFileSync(output, 'utf8'));
    totals.passed += passes;
    totals.failed += notPassed.length || (succeeded && passes > 0 ? 0 : 1);
    failures.push(...notPassed);
  } catch (error) {
    totals.failed += 1;
    failures.push(`e2e/conformance/run: ${(error as Error).message}`);
  }
}

/** What needs little of a processor beside what measures the use of one, and then gcloud, which needs a whole one. */
async function besideConformance(): Promise<void> {
  const kn = areBuilt('kn', ['kn']) ? ['e2e/scenarios/clients/kn.test.ts'] : [];
  await sideBySide(['e2e/in'], [['e2e/scenarios/scaleOut.test.ts'], ['e2e/scenarios/memory.test.ts', ...kn]]);
  if (HAS_GCLOUD) await sideBySide(['e2e/in'], GCLOUD);
  else console.log('gcloud is not installed here: only the requests that it has sent are tried');
}

async function mocha(prefix: readonly string[], files: readonly string[]): Promise<void> {
  console.log(`\n$ ${[...prefix, 'mocha', ...files].join(' ')}`);
  const run = await runMocha({ prefix, files });
  totals.passed += run.passed;
  totals.failed += run.failed;
  failures.push(...run.failures, ...run.notRun.map((what) => `did not run to its end: ${what}`));
}

const ARGOCD = [
  areBuilt('argocd', ['argocd-controllers'])
    ? 'e2e/argocd/*.test.ts'
    : 'e2e/argocd/!(gitops.apiserver).test.ts',
];
/** A run of its own: nearly all of its time it waits for Flux, which looks at health every five seconds. */
const FLUX = areBuilt('flux', ['flux']) ? [['e2e/flux/*.test.ts']] : [];
const KEDA = [areBuilt('keda', ['keda']) ? 'e2e/keda/*.test.ts' : 'e2e/keda/examples.apiserver.test.ts'];
/** A run of its own: it waits for alerts that hold for half a minute. */
const PROMTOOL = areBuilt('promtool', ['promtool']) ? [['e2e/promtool/*.test.ts']] : [];
const S3 = areBuilt('s3', ['s3']) ? ['e2e/s3/*.test.ts'] : [];
const SKAFFOLD = areBuilt('skaffold', ['skaffold']) ? ['e2e/skaffold/*.test.ts'] : [];
const TERRAFORM = areBuilt('terraform', ['tofu', 'terraform-provider-google'])
  ? [['e2e/terraform/*.test.ts']]
  : [];
const SCALE = areBuilt('scale', ['kwok']) ? ['e2e/scale/*.test.ts'] : ['e2e/scale/!(*.apiserver).test.ts'];
const BUILDS = areBuilt('builds', ['buildkit', 'lifecycle']) ? [['e2e/scenarios/build.test.ts']] : [];

/** What a cluster and its images are made of. */
const CLUSTER = ['kube', 'coredns', 'crane', 'helm', 'metrics-server', 'contract', 'hello', 'pause'];

/**
 * Most tests wait for something, so that a machine of two processors has time for several runs at once. The patterns of
 * each group complement each other: a new file belongs to one of them. What stops or upgrades parts of Homerun that
 * others need runs by itself (scenarios/platform), and what looks back on all of it runs last.
 */
const WITHOUT_CLUSTER = [
  ['operator/gateway/control/**/!(gateway).test.ts'],
  ['operator/gateway/!(control|memory)/**/!(gateway).test.ts'],
  ['operator/autoscaler/**/*.test.ts', 'operator/gateway/memory/*.test.ts'],
  ['operator/kube/**/*.test.ts'],
  ['operator/reconcilers/**/*.test.ts'],
  ['operator/*.test.ts', 'operator/!(api|autoscaler|gateway|generate|kube|reconcilers|webhook)/**/*.test.ts'],
  ['operator/gateway/**/gateway.test.ts', ...KEDA],
  ...PROMTOOL,
  [
    'e2e/!(argocd|chart|flux|gcloud|keda|promtool|s3|scale|scenarios|skaffold|terraform)/**/*.test.ts',
    ...SCALE,
  ],
];
/** As {@link BESIDE_PLATFORM}, for the time in which Knative's tests wait. */
const BESIDE_CONFORMANCE = [['operator/webhook/**/*.test.ts']];
/**
 * They have API servers of their own and measure no time, so they take what the last scenarios, which often wait, leave of
 * the processors.
 */
const BESIDE_PLATFORM = [
  ['e2e/chart/**/*.test.ts'],
  ['operator/@(api|generate)/**/*.test.ts'],
  [...ARGOCD, ...S3, ...SKAFFOLD],
  ...TERRAFORM,
  ...FLUX,
];
const SCENARIO_LANES = [
  'affinity|badInput|boost|idleCpu',
  'failing|readiness',
  'jobs',
  'requestMetrics|scaling',
  'scaleIn',
  'workerPools',
];
/** Scenarios that run at another time. */
const OTHER_TIMES = 'build|memory|scaleOut|wholeRun';
const SCENARIOS = [
  ...SCENARIO_LANES.map((names) => [`e2e/scenarios/@(${names}).test.ts`]),
  [`e2e/scenarios/!(${[...SCENARIO_LANES, OTHER_TIMES].join('|')}).test.ts`],
];
const GCLOUD = [
  ['e2e/gcloud/services.test.ts'],
  ['e2e/gcloud/jobs.test.ts'],
  ['e2e/gcloud/baseImage.test.ts'],
  ['e2e/gcloud/!(baseImage|jobs|services).test.ts'],
  ...BUILDS,
];

/** Homerun on a cluster, with the images of the tests. */
function deployed(): Promise<boolean> {
  return step('make', 'deploy', 'images', ...(BUILDS.length > 0 ? ['build-images'] : []));
}

async function sideBySide(prefix: readonly string[], lanes: readonly string[][]): Promise<void> {
  await Promise.all(lanes.map((files) => mocha(prefix, files)));
}

/** With the processor time that others leave. */
function leftOver(lanes: readonly string[][]): Promise<void> {
  return sideBySide(['nice', '-n', '7'], lanes);
}

await step('node', 'operator/generate/main.ts', '--check');
await Promise.all([
  step('biome', 'ci', ...(process.stdout.isTTY ? [] : ['--colors=off']), '.'),
  step('tsc', '--noEmit'),
]);
// To build a cluster's programs takes all of the processors, to start it hardly anything.
const early = areCached(CLUSTER) ? deployed() : undefined;
await sideBySide([], WITHOUT_CLUSTER);
if (await (early ?? deployed())) {
  await sideBySide(['e2e/in'], SCENARIOS);
  await forgetContainers();
  await Promise.all([conformance(), besideConformance(), leftOver(BESIDE_CONFORMANCE)]);
  await forgetContainers();
  const platform = mocha(['e2e/in'], ['e2e/scenarios/platform/*.test.ts']);
  await Promise.all([platform, leftOver(BESIDE_PLATFORM)]);
  await mocha(['e2e/in'], ['e2e/scenarios/wholeRun.test.ts']);
} else {
  await sideBySide([], [...BESIDE_CONFORMANCE, ...BESIDE_PLATFORM]);
}

rmSync(folder, { recursive: true });
for (const failure of failures) console.log(`FAILED ${failure}`);
console.log(`\n${totals.passed} passed, ${totals.failed} failed`);
process.exitCode = totals.failed > 0 || totals.passed === 0 ? 1 : 0;
