import assert from 'node:assert/strict';
import type { KubeObject } from '../../kube/types.ts';
import { Random } from '../../testing/random.ts';
import { admitDefault, admitReferring, admitValidate, type Policy } from '../admission/admit.ts';
import { lookUpReferenced } from '../admission/referencedObjects.ts';
import {
  type AdmissionRequest,
  type AdmissionResponse,
  ReviewError,
  requestOf,
  reviewOf,
} from '../admission/review.ts';
import { patched, patchOf } from '../testing/patch.ts';
import { publicManifests } from '../testing/public.ts';
import { LENIENT, OPERATOR, objectOf, requestFor, STRICT } from '../testing/requests.ts';
import { clone, mutate } from './mutate.ts';

/** Results of a run. */
export interface FuzzReport {
  rounds: number;
  /** Reviews that were admitted and rejected. */
  admitted: number;
  rejected: number;
  /** Bodies that were no longer valid reviews. */
  unread: number;
  /** Duration of the slowest response. */
  slowestMs: number;
}

/** Objects of kinds that are missing in the public manifests. */
const MORE = [
  objectOf(
    'metadata: {labels: {run.googleapis.com/job: load}, annotations: {homerun.dev/overrides: "{}"}}\nspec: {taskCount: 2}',
    'Execution',
  ),
  objectOf('spec: {containers: [{name: a, image: app, ports: [{containerPort: 80}]}]}', 'Revision'),
  objectOf('spec: {template: {spec: {containers: [{image: app}]}}}', 'Configuration'),
  objectOf('spec: {traffic: [{configurationName: hello, percent: 100}]}', 'Route'),
  objectOf(
    'metadata: {annotations: {run.googleapis.com/manualInstanceCount: "2"}}\nspec: {template: {spec: {containers: [{image: app}]}}, instanceSplits: [{revisionName: hello-a, percent: 100}]}',
    'WorkerPool',
  ),
];

const JOB = objectOf('spec: {template: {spec: {template: {spec: {containers: [{image: app}]}}}}}', 'Job');

/** A cluster that returns the same job and revision for every lookup. */
const cluster = {
  get: async () => JOB,
  list: async () => ({ items: [objectOf('metadata: {name: hello-a}', 'Revision')], resourceVersion: '1' }),
};

/** Maximum size of a response in bytes. */
const MOST_ANSWER = 32_768;
/** Far more than a response takes on a busy machine, and far less than a pathological regular expression takes. */
const MOST_MS = 2_000;

/**
 * Sends mutated objects and reviews to admission: public manifests with a few parts changed, removed, added or repeated.
 * It must always respond, fast and within the size limit, and its defaults must be idempotent.
 * @param seed the same seed gives the same rounds.
 * @param first number of the first round.
 * @throws {AssertionError} naming seed and round: `fuzzAdmission(1, seed, round)` reproduces it.
 */
export async function fuzzAdmission(rounds: number, seed: number, first = 0): Promise<FuzzReport> {
  const objects = [...publicManifests().values(), ...MORE];
  const report = { rounds, admitted: 0, rejected: 0, unread: 0, slowestMs: 0 };
  for (let round = first; round < first + rounds; round++) {
    const random = new Random(seed, round);
    try {
      await askOnce(random.pick(objects), random, report);
    } catch (cause) {
      throw new assert.AssertionError({
        message: `seed ${seed}, round ${round}: ${(cause as Error).stack}`,
      });
    }
  }
  return report;
}

async function askOnce(sound: KubeObject, random: Random, report: FuzzReport): Promise<void> {
  const object = clone(sound);
  const oldObject = random.chance(1 / 3) ? clone(sound) : undefined;
  const user = random.chance(1 / 5) ? OPERATOR : 'jane';
  const review = {
    apiVersion: 'admission.k8s.io/v1',
    request: requestFor(object, { kind: object.kind, user, oldObject }),
  };
  mutate(object as never, random);
  if (oldObject && random.chance(1 / 2)) mutate(oldObject as never, random);
  if (random.chance(1 / 20)) mutate(review as never, random);
  let request: AdmissionRequest;
  try {
    request = requestOf(review);
  } catch (error) {
    assert.ok(error instanceof ReviewError, (error as Error).stack);
    report.unread++;
    return;
  }
  await admitOnce(request, random.pick([LENIENT, STRICT]), report);
}

async function admitOnce(request: AdmissionRequest, policy: Policy, report: FuzzReport): Promise<void> {
  // Of the processor: other processes may be in the way.
  const begun = process.cpuUsage();
  const known = await lookUpReferenced(request, cluster as never);
  const mutating = [
    (asked: AdmissionRequest) => admitReferring(asked, policy, known),
    (asked: AdmissionRequest) => admitDefault(asked, policy),
  ];
  const answers = mutating.map((admit) => checked(admit(request)));
  checked(admitValidate(request, policy));
  const { user, system } = process.cpuUsage(begun);
  const took = (user + system) / 1000;
  report.slowestMs = Math.max(report.slowestMs, took);
  assert.ok(took < MOST_MS, `the response took ${took.toFixed(0)} ms`);
  if (!answers.every(({ allowed }) => allowed)) {
    report.rejected++;
    return;
  }
  report.admitted++;
  let { object } = request;
  for (const admit of mutating) {
    object = patched(object, patchOf(checked(admit({ ...request, object }))));
    assert.deepEqual(patchOf(admit({ ...request, object })), [], 'defaults are idempotent');
  }
  checked(admitValidate({ ...request, object }, policy));
}

/** Checks that the API server can use a response, and returns it: a rejection has a message of limited size. */
function checked(answer: AdmissionResponse): AdmissionResponse {
  const { allowed, status, warnings = [] } = answer;
  assert.ok(warnings.length <= 16, 'no more warnings than an API server passes on');
  if (allowed) return answer;
  assert.ok(status?.message, 'a rejection has a message');
  const size = Buffer.byteLength(JSON.stringify(reviewOf(answer)));
  assert.ok(size <= MOST_ANSWER, `the rejection has ${size} bytes`);
  return answer;
}
