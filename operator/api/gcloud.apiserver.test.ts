import { deepEqual, equal } from 'node:assert/strict';
import { until } from '../testing/until.ts';
import { PARTS } from './parts.ts';
import { type Answer, clientOf } from './testing/client.ts';
import { type Gcloud, gcloudFor } from './testing/gcloud.ts';
import {
  type Images,
  JOB_COMMANDS,
  POOL_COMMANDS,
  PROJECT_COMMANDS,
  SERVICE_COMMANDS,
  testCommands,
} from './testing/gcloudCommands.ts';
import { gcloudTarget, NAMESPACE } from './testing/installation.ts';
import { useReadyApi } from './testing/readiness.ts';
import { keep, looks, MadeUpNames, readRecorded, recorder } from './testing/recording.ts';

/** As the played controllers know them. */
const IMAGES: Images = {
  IMAGE: 'gcr.io/p/app:1',
  IMAGE2: 'gcr.io/p/app:2',
  BROKEN: 'broken',
  ENDING: 'busybox',
  ENDLESS: 'endless',
};

describe('requests of gcloud at the Admin API', function () {
  this.timeout(300_000);
  const installation = useReadyApi();

  // gcloud itself runs in e2e/gcloud, and here to record what it sends.
  if (process.env.UPDATE_GOLDEN) {
    const { part, recorded } = recorder();
    let gcloud: Gcloud;
    before(async () => {
      const recording = await installation.start({}, [part, ...PARTS]);
      await installation.api.stop();
      installation.api = recording;
      gcloud = gcloudFor(gcloudTarget(installation));
    });
    after(function () {
      gcloud?.remove();
      if (this.test?.parent?.tests.every((test) => test.isPassed())) keep(recorded);
    });
    const commands = [...SERVICE_COMMANDS, ...JOB_COMMANDS, ...POOL_COMMANDS, ...PROJECT_COMMANDS];
    testCommands(commands, () => ({ gcloud, project: NAMESPACE, images: IMAGES }));
    return;
  }

  const call = clientOf(installation);
  const names = new MadeUpNames();
  for (const { method, host, path, body, status, answer } of readRecorded()) {
    it(`${method} ${path} is answered with ${status}, as recorded`, async () => {
      const ask = () => call(method, names.path(path), { host, body });
      const isLook = looks({ method, path });
      const isAsRecorded = (found: Answer) => {
        equal(found.status, status, JSON.stringify(found.body));
        const body = found.body === undefined ? undefined : names.portable(found.body);
        // How far the controllers are at a write, or that they have not begun, is a matter of time.
        if (isLook && hasStatus(answer)) deepEqual(body, answer);
        else deepEqual(withoutStatus(body), withoutStatus(answer));
      };
      if (isLook) await eventually(async () => isAsRecorded(await ask()));
      else isAsRecorded(await ask());
    });
  }
});

const hasStatus = (body: unknown): boolean =>
  (body as { status?: unknown } | undefined)?.status !== undefined;

function withoutStatus(body: unknown): unknown {
  if (!hasStatus(body)) return body;
  const { status: _, ...rest } = body as { status: unknown };
  return rest;
}

/** Asserts again and again; fails as `assert` does when it never held. */
async function eventually(assert: () => Promise<void>): Promise<void> {
  let failure: unknown;
  const holds = () =>
    assert().then(
      () => true,
      (error: unknown) => {
        failure = error;
        return false;
      },
    );
  await until('the answer', holds, { timeoutMs: 10_000, everyMs: 50 }).catch(() => {
    throw failure;
  });
}
