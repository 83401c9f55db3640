import { equal, match } from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PARTS } from './parts.ts';
import { clientOf } from './testing/client.ts';
import { type Gcloud, gcloudFor, HAS_GCLOUD } from './testing/gcloud.ts';
import { gcloudTarget, NAMESPACE, useApi } from './testing/installation.ts';
import { makeReady } from './testing/readiness.ts';
import { keep, readRecorded, recorder } from './testing/recording.ts';

const MANIFESTS: Record<string, string> = {
  'service.yaml': `
apiVersion: serving.knative.dev/v1
kind: Service
metadata: {name: from-file}
spec: {template: {spec: {containers: [{image: gcr.io/p/app:1}]}}}`,
  'job.yaml': `
apiVersion: run.googleapis.com/v1
kind: Job
metadata: {name: job-from-file}
spec: {template: {spec: {template: {spec: {containers: [{image: busybox}]}}}}}`,
  'pool.yaml': `
apiVersion: run.googleapis.com/v1
kind: WorkerPool
metadata: {name: pool}
spec: {template: {spec: {containers: [{image: busybox}]}}}`,
};

/** A command, and what it prints; one that fails names its exit code. EXECUTION is the newest one. */
type Command = [command: string, prints: RegExp, code?: number];

const COMMANDS: readonly Command[] = [
  [
    'run deploy hello --image=gcr.io/p/app:1 --no-allow-unauthenticated --async',
    /is deploying asynchronously/,
  ],
  ['run deploy hello --image=gcr.io/p/app:2', /has been deployed and is serving.* percent of traffic/],
  ['run services update hello --update-env-vars=A=b --labels=team=a', /has been deployed and is serving/],
  ['run services update-traffic hello --to-latest', /Updating traffic\.\.\.[\s\S]*Done/],
  ['run services update-traffic hello --to-latest --set-tags=blue=LATEST', /blue:/],
  ['run services list', /hello +local-cluster1 +https:\/\/hello/],
  ['run services describe hello', /Service hello in region local-cluster1/],
  ['run services describe hello --format=export', /name: hello\n/],
  ['run services describe nothing', /Cannot find service \[nothing\]/, 1],
  ['run services replace service.yaml', /New configuration has been applied to service/],
  ['run services replace service.yaml --dry-run', /New configuration has been validated/],
  ['run services delete from-file', /Deleted service \[from-file\]/],
  ['run deploy bad --image=broken --no-allow-unauthenticated', /the image broken cannot be pulled/, 1],
  ['run revisions list --service=hello', /hello-\w+ +hello/],
  ['beta run configurations list', /Listed 0 items/],
  ['beta run routes list', /Listed 0 items/],
  [
    'run jobs create work --image=busybox --tasks=2 --task-timeout=5m',
    /Job \[work\] has successfully been created/,
  ],
  ['run jobs update work --max-retries=1', /Job \[work\] has successfully been updated/],
  ['run jobs execute work --wait', /has successfully completed/],
  ['run jobs execute work --async', /Execution \[work-/],
  [
    'run jobs execute work --args=x --tasks=3 --update-env-vars=A=b --task-timeout=30s --wait',
    /successfully completed/,
  ],
  ['run jobs list', /work +local-cluster1/],
  ['run jobs describe work', /Job work in region local-cluster1/],
  ['run jobs executions list --job=work', /work +work-/],
  ['run jobs executions describe EXECUTION', /Execution EXECUTION in region/],
  ['run jobs executions tasks list --execution=EXECUTION', /EXECUTION-0/],
  ['run jobs executions tasks describe EXECUTION-0', /EXECUTION-0/],
  ['run jobs executions cancel EXECUTION', /has completed successfully before it could be cancelled/, 1],
  ['run jobs executions delete EXECUTION', /Deleted execution \[EXECUTION\]/],
  ['run jobs create endless --image=endless --execute-now', /Job \[endless\]/],
  ['run jobs executions cancel EXECUTION', /Cancelled execution \[EXECUTION\]/],
  ['run jobs create work --image=busybox', /Job \[work\] already exists/, 1],
  ['run jobs replace job.yaml', /has been successfully created/],
  ['run jobs delete job-from-file', /Deleted job \[job-from-file\]/],
  ['beta run worker-pools replace pool.yaml', /New configuration has been applied to worker pool/],
  ['beta run worker-pools list', /pool +local-cluster1/],
  ['beta run worker-pools describe pool', /WorkerPool pool in region/],
  ['run regions list', /local-cluster1/],
  ['beta run domain-mappings list', /Listed 0 items/],
  ['projects describe demo', /projectId: demo/],
  ['services enable run.googleapis.com', /^\s*$|finished successfully/],
  ['iam service-accounts create my-robot', /Created service account \[my-robot\]/],
  ['iam service-accounts list', /my-robot@demo\.iam\.gserviceaccount\.com/],
];

describe('gcloud at the Admin API', function () {
  this.timeout(300_000);
  const stop = new AbortController();
  let ready: Promise<void>;
  // Before the installation ends, whose client it uses.
  after(async () => {
    stop.abort();
    await ready;
  });
  const installation = useApi();
  const call = clientOf(installation);
  before(() => {
    ready = makeReady(installation.client, stop.signal);
  });

  if (!HAS_GCLOUD) {
    console.log('gcloud is not installed here: what gcloud 528 has sent is sent again instead');
    for (const { method, host, path, body, status } of readRecorded()) {
      it(`${method} ${path} is answered with ${status}`, async () => {
        const answer = await call(method, path, { host, body });
        equal(answer.status, status, JSON.stringify(answer.body));
      });
    }
    return;
  }

  const { part, recorded } = recorder();
  let gcloud: Gcloud;
  before(async () => {
    const recording = await installation.start({}, [part, ...PARTS]);
    await installation.api.stop();
    installation.api = recording;
    gcloud = gcloudFor(gcloudTarget(installation));
    for (const [name, text] of Object.entries(MANIFESTS)) writeFileSync(join(gcloud.folder, name), text);
  });
  after(() => {
    gcloud?.remove();
    if (process.env.UPDATE_GOLDEN) keep(recorded);
  });

  /** The name of the newest execution. */
  async function execution(): Promise<string> {
    const path = `/apis/run.googleapis.com/v1/namespaces/${NAMESPACE}/executions`;
    const { body } = await call('GET', path);
    const items = body.items as { metadata: { name: string; creationTimestamp: string } }[];
    const newest = items.toSorted((a, b) =>
      a.metadata.creationTimestamp < b.metadata.creationTimestamp ? 1 : -1,
    );
    return newest[0]?.metadata.name ?? '';
  }

  let current = '';
  for (const [command, prints, code = 0] of COMMANDS) {
    it(`gcloud ${command}`, async () => {
      if (command.includes('EXECUTION')) current ||= await execution();
      else current = '';
      const named = command.replaceAll('EXECUTION', current);
      const args = named.split(' ').map((arg) => (arg in MANIFESTS ? join(gcloud.folder, arg) : arg));
      const result = await gcloud.run(args);
      equal(result.code, code, result.text);
      // Without what makes texts bold.
      // biome-ignore lint/suspicious/noControlCharactersInRegex: it is one
      const text = result.text.replaceAll(/\x1b\[[0-9;]*m/g, '').replaceAll(current || '\0', 'EXECUTION');
      match(text, prints);
    });
  }
});
