import assert from 'node:assert/strict';
import { RUN } from '../apis/labels.ts';
import type { Execution } from '../apis/run/execution/types.ts';
import { JOBS } from '../apis/run/job/types.ts';
import { REVISIONS } from '../apis/serving/revision/types.ts';
import type { AdmissionRequest } from './admission/review.ts';
import { FakeInstallation } from './testing/fakeInstallation.ts';
import { patched, patchOf } from './testing/patch.ts';
import { OPERATOR, objectOf, requestFor } from './testing/requests.ts';

const JOB = objectOf(
  `metadata: {name: hidden}
spec:
  template:
    metadata: {labels: {team: hidden-team}}
    spec:
      taskCount: 3
      template:
        spec:
          containers:
            - {name: hidden-container, image: hidden-image, env: [{name: A, value: hidden-value}], volumeMounts: [{name: hidden-volume, mountPath: /hidden}]}
          volumes: [{name: hidden-volume, emptyDir: {medium: Memory}}]`,
  'Job',
);
const REVISION = objectOf(
  `metadata: {name: pool-hidden, labels: {${RUN.workerPool}: pool}}\nspec: {containers: [{image: hidden-image}]}`,
  'Revision',
);

const OF_JOB = `${RUN.job}: hidden`;
const BARE = objectOf(`metadata: {labels: {${OF_JOB}}}`, 'Execution');
const execution = (yaml: string) => objectOf(yaml, 'Execution');
const overriding = (overrides: object) =>
  execution(
    `metadata: {labels: {${OF_JOB}}, annotations: {homerun.dev/overrides: '${JSON.stringify(overrides)}'}}`,
  );
const reviewOf = (object: unknown, options: object = {}) =>
  requestFor(object, { kind: 'Execution', ...options });

const FORGED: Record<string, { asked: AdmissionRequest; reason: string }> = {
  'an execution of the job': { asked: reviewOf(BARE), reason: 'a patch would have its spec' },
  'an execution, as if from the controller': {
    asked: reviewOf(BARE, { user: OPERATOR }),
    reason: 'anybody can write its name',
  },
  'an execution, in a dry run': {
    asked: { ...reviewOf(BARE), dryRun: true },
    reason: 'nothing has to be stored to be asked about',
  },
  'a change of an execution that lacks its spec': {
    asked: reviewOf(BARE, { oldObject: BARE }),
    reason: 'it is filled in then',
  },
  'an execution that overrides another container': {
    asked: reviewOf(overriding({ containerOverrides: [{ name: 'other', args: ['x'] }] })),
    reason: 'an error would list the containers of the job',
  },
  'an execution with volumes of its own': {
    asked: reviewOf(
      execution(
        `metadata: {labels: {${OF_JOB}}}\nspec: {template: {spec: {volumes: [{name: other, emptyDir: {medium: Memory}}]}}}`,
      ),
    ),
    reason: 'an error would name the mounts of the job',
  },
  'a worker pool with a split to another revision': {
    asked: requestFor(
      objectOf(
        `metadata: {name: pool}
spec: {template: {spec: {containers: [{image: app}]}}, instanceSplits: [{revisionName: pool-other, percent: 100}]}`,
        'WorkerPool',
      ),
      { kind: 'WorkerPool' },
    ),
    reason: 'an error would list the revisions of the pool',
  },
};

describe('reviews of objects that refer to others', () => {
  let made: FakeInstallation;
  beforeEach(async () => {
    made = await FakeInstallation.make();
    await made.start();
  });
  afterEach(() => made.close());

  function putObjects(): void {
    made.server.put(JOB);
    made.server.put(REVISION);
  }
  const reads = () =>
    made.server.requests.filter(({ path }) => [JOBS, REVISIONS].some(({ plural }) => path.includes(plural)));

  const GUESSES = ['/lookup', '/lookup/', `/lookup/${'0'.repeat(64)}`, '/lookup/%00', '/'];
  for (const [name, { asked, reason }] of Object.entries(FORGED)) {
    it(`reveal nothing when they are forged by somebody who only reaches the port: ${name}: ${reason}`, async () => {
      const evict = made.named('evict') ?? '';
      const stolen = evict.replace('evict', 'lookup');
      const paths = ['/default', '/validate', ...GUESSES, stolen];
      const answers = () => Promise.all(paths.map((path) => made.review(path, asked)));
      const before = await answers();
      putObjects();
      const after = await answers();
      assert.deepEqual(after, before, 'what is there makes no difference');
      assert.doesNotMatch(JSON.stringify(after), /hidden-/);
      assert.deepEqual(reads(), []);
      assert.deepEqual(
        after.map(({ statusCode }) => statusCode === 200),
        paths.map((path) => ['/default', '/validate'].includes(path)),
      );
    });

    it(`are answered with what is there where the API server asks: ${name}`, async () => {
      const answer = () => made.review(made.named('lookup') ?? '', asked);
      const before = await answer();
      putObjects();
      assert.notDeepEqual((await answer()).body.response, before.body.response);
      assert.ok(reads().length > 0);
    });
  }

  it('fill in an execution and name its creator, as the other webhooks would', async () => {
    putObjects();
    const { body } = await made.review(made.named('lookup') ?? '', reviewOf(BARE));
    const filled = patched(BARE, patchOf(body.response ?? { uid: '', allowed: false })) as Execution;
    assert.equal(filled.spec?.template?.spec?.containers?.[0]?.env?.[0]?.value, 'hidden-value');
    assert.equal(filled.metadata.annotations?.['run.googleapis.com/creator'], 'jane');
    for (const path of ['/default', '/validate']) {
      const { response } = (await made.review(path, reviewOf(filled))).body;
      assert.deepEqual(response, { uid: 'review-1', allowed: true }, 'nothing is left to do');
    }
  });

  it('leave an execution as it was written where nobody looks up its job', async () => {
    putObjects();
    const { response } = (await made.review('/default', reviewOf(BARE))).body;
    const stored = patched(BARE, patchOf(response ?? { uid: '', allowed: false })) as Execution;
    assert.equal(stored.spec, undefined);
    assert.deepEqual((await made.review('/validate', reviewOf(stored))).body.response, {
      uid: 'review-1',
      allowed: true,
    });
  });
});
