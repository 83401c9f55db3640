import { equal, match } from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Gcloud } from './gcloud.ts';
import { filled, type Words } from './words.ts';

/** Images of the commands below, by the word that stands for them there. */
export interface Images {
  IMAGE: string;
  /** Another one of a service. */
  IMAGE2: string;
  /** One that cannot be pulled. */
  BROKEN: string;
  /** Of a task that ends where its variable TASK is set. */
  ENDING: string;
  /** Of a task that does not end. */
  ENDLESS: string;
}

/** A command, and what it prints; one that fails names its exit code. EXECUTION is the one that was named last. */
type Command = [command: string, prints: RegExp, code?: number];

const MANIFESTS: Record<string, string> = {
  'service.yaml': `
apiVersion: serving.knative.dev/v1
kind: Service
metadata: {name: from-file}
spec: {template: {spec: {containers: [{image: IMAGE}]}}}`,
  'job.yaml': `
apiVersion: run.googleapis.com/v1
kind: Job
metadata: {name: job-from-file}
spec: {template: {spec: {template: {spec: {containers: [{image: ENDING}]}}}}}`,
  'pool.yaml': `
apiVersion: run.googleapis.com/v1
kind: WorkerPool
metadata: {name: pool}
spec: {template: {spec: {containers: [{image: IMAGE}]}}}`,
};

/** Commands for services, in this order, in a project that has nothing in it. */
export const SERVICE_COMMANDS: readonly Command[] = [
  ['run deploy hello --image=IMAGE --no-allow-unauthenticated --async', /is deploying asynchronously/],
  ['run deploy hello --image=IMAGE2', /has been deployed and is serving.* percent of traffic/],
  ['run services update hello --update-env-vars=A=b --labels=team=a', /has been deployed and is serving/],
  ['run services update-traffic hello --to-latest', /Updating traffic\.\.\.[\s\S]*Done/],
  ['run services update-traffic hello --to-latest --set-tags=blue=LATEST', /blue:/],
  ['run services list', /hello +local-cluster1 +https?:\/\/hello/],
  ['run services describe hello', /Service hello in region local-cluster1/],
  ['run services describe hello --format=export', /name: hello\n/],
  ['run services describe nothing', /Cannot find service \[nothing\]/, 1],
  ['run services replace service.yaml', /New configuration has been applied to service/],
  ['run services replace service.yaml --dry-run', /New configuration has been validated/],
  ['run services delete from-file', /Deleted service \[from-file\]/],
  ['run deploy bad --image=BROKEN --no-allow-unauthenticated', /BROKEN/, 1],
  ['run revisions list --service=hello', /hello-[\w-]+ +(yes +)?hello/],
  ['beta run configurations list', /Listed 0 items|hello/],
  ['beta run routes list', /Listed 0 items|hello/],
];

/** The same for jobs. */
export const JOB_COMMANDS: readonly Command[] = [
  [
    'run jobs create work --image=ENDING --set-env-vars=TASK=1 --tasks=2 --task-timeout=5m',
    /Job \[work\] has successfully been created/,
  ],
  ['run jobs update work --max-retries=1', /Job \[work\] has successfully been updated/],
  ['run jobs execute work --wait', /has successfully completed/],
  ['run jobs execute work --async', /Execution \[EXECUTION\] is being started/],
  [
    'run jobs execute work --args=x --tasks=3 --update-env-vars=A=b --task-timeout=30s --wait',
    /successfully completed/,
  ],
  ['run jobs list', /work +local-cluster1/],
  ['run jobs describe work', /Job work in region local-cluster1/],
  ['run jobs executions list --job=work', /work +EXECUTION/],
  ['run jobs executions describe EXECUTION', /Execution EXECUTION in region/],
  ['run jobs executions tasks list --execution=EXECUTION', /EXECUTION-0/],
  ['run jobs executions tasks describe EXECUTION-0', /EXECUTION-0/],
  ['run jobs executions cancel EXECUTION', /has completed successfully before it could be cancelled/, 1],
  ['run jobs executions delete EXECUTION', /Deleted execution \[EXECUTION\]/],
  ['run jobs create endless --image=ENDLESS --execute-now', /Job \[endless\]/],
  ['run jobs executions cancel EXECUTION', /Cancelled execution \[EXECUTION\]/],
  ['run jobs create work --image=ENDING', /Job \[work\] already exists/, 1],
  ['run jobs replace job.yaml', /has been successfully created/],
  ['run jobs delete job-from-file', /Deleted job \[job-from-file\]/],
];

/** The same for worker pools: gcloud reads the first ones over REST, and writes the next ones over gRPC. */
export const POOL_COMMANDS: readonly Command[] = [
  ['beta run worker-pools replace pool.yaml', /New configuration has been applied to worker pool/],
  ['beta run worker-pools list', /pool +local-cluster1/],
  ['beta run worker-pools describe pool', /WorkerPool pool in region/],
  ['beta run worker-pools deploy pull --image=IMAGE --scaling=2', /has been deployed/],
  ['beta run worker-pools update pull --update-env-vars=A=b', /has been (deployed|updated)/],
  ['beta run worker-pools update-instance-split pull --to-latest', /100% +LATEST/],
  ['beta run worker-pools describe pull --format=export', /name: A\n +value: b\n/],
  ['beta run worker-pools delete pull', /Deleted worker pool \[pull\]/i],
];

/** What is asked beside the Admin API, and what needs nothing that was made before. */
export const PROJECT_COMMANDS: readonly Command[] = [
  ['run regions list', /local-cluster1/],
  ['beta run domain-mappings list', /Listed 0 items/],
  ['projects describe PROJECT', /projectId: PROJECT/],
  ['services enable run.googleapis.com', /^\s*$|finished successfully/],
  ['iam service-accounts create my-robot', /Created service account \[my-robot\]/],
  ['iam service-accounts list', /my-robot@PROJECT\.iam\.gserviceaccount\.com/],
];

/** Where the commands run; filled in before the first test. */
export interface Place {
  gcloud: Gcloud;
  project: string;
  images: Images;
}

/** One test for each command. */
export function testCommands(commands: readonly Command[], place: () => Place): void {
  let words: Words = {};
  before(() => {
    const { gcloud, images, project } = place();
    words = { PROJECT: project, ...images };
    for (const [name, text] of Object.entries(MANIFESTS))
      writeFileSync(join(gcloud.folder, name), filled(text, words));
  });

  let execution = '';
  for (const [command, prints, code = 0] of commands) {
    it(`gcloud ${command}`, async () => {
      const { gcloud } = place();
      const args = command.split(' ').map((arg) => {
        return arg in MANIFESTS ? join(gcloud.folder, arg) : filled(arg, { ...words, EXECUTION: execution });
      });
      const { code: ended, text } = await gcloud.run(args);
      equal(ended, code, text);
      execution = /execution \[([\w-]+)\]/i.exec(text)?.[1] ?? execution;
      const { project, images } = place();
      match(masked(text, { PROJECT: project, BROKEN: images.BROKEN, EXECUTION: execution }), prints);
    });
  }
}

function masked(text: string, words: Words): string {
  return Object.entries(words).reduce(
    (all, [word, meaning]) => (meaning ? all.replaceAll(meaning, word) : all),
    text,
  );
}
