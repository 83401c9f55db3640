import { equal, ok } from 'node:assert/strict';
import type { FlagCase } from './flags/flag.ts';
import { JOB_FLAGS } from './flags/jobs.ts';
import { SERVICE_FLAGS } from './flags/services.ts';
import { PARTS } from './parts.ts';
import { clientOf } from './testing/client.ts';
import { runGcloud } from './testing/flags/gcloudRun.ts';
import { flagRecorder, keepCommand, readCommands } from './testing/flags/recording.ts';
import { check, type Done, wordsOf } from './testing/flags/run.ts';
import { type Gcloud, gcloudFor } from './testing/gcloud.ts';
import { gcloudTarget, NAMESPACE } from './testing/installation.ts';
import { useReadyApi } from './testing/readiness.ts';
import { grant, installRoles } from './testing/roles.ts';

/** As the played controllers know them. */
const WORDS = wordsOf(NAMESPACE, { IMAGE: 'gcr.io/p/app:1', IMAGE2: 'gcr.io/p/app:2', ENDING: 'busybox' });

/** Does what a command does; `keep` records it. */
type Run = (one: FlagCase) => Promise<{ done: Done; keep?: () => void }>;

describe('flags of gcloud at the Admin API', function () {
  this.timeout(300_000);
  const installation = useReadyApi();
  before(async () => {
    // Who opens a service sets its policy.
    await installRoles(installation);
    await grant(installation, 'editor', 'homerun-run.admin');
  });
  const run = process.env.UPDATE_GOLDEN ? recording() : replay();

  for (const one of [...SERVICE_FLAGS, ...JOB_FLAGS]) {
    it(`do what the table says: ${one.command}`, async () => {
      const { done, keep } = await run(one);
      await check(one, done, installation.client, WORDS);
      keep?.();
    });
  }

  /** gcloud itself, which is recorded. */
  function recording(): Run {
    const { part, writes, warnings } = flagRecorder();
    let gcloud: Gcloud;
    before(async () => {
      const recorded = await installation.start({}, [part, ...PARTS]);
      await installation.api.stop();
      installation.api = recorded;
      gcloud = gcloudFor(gcloudTarget(installation));
    });
    after(() => gcloud?.remove());
    return async (one) => {
      writes.length = 0;
      warnings.length = 0;
      const { code, text } = await runGcloud(gcloud, one, WORDS);
      const shown = text.replaceAll(gcloud.folder, 'FOLDER').trim();
      const keep = () => keepCommand({ command: one.command, code, text: shown, writes: [...writes] });
      return { done: { code, text, warnings: [...warnings] }, keep };
    };
  }

  /** What it has sent, sent again. */
  function replay(): Run {
    const call = clientOf(installation);
    const recorded = readCommands();
    return async ({ command }) => {
      const found = recorded.find((each) => each.command === command);
      ok(found, 'is recorded, with UPDATE_GOLDEN=1 where gcloud is installed');
      const warnings: string[] = [];
      for (const { method, host, path, body } of found.writes) {
        const answer = await call(method, path, { host, body });
        equal(answer.status, 200, JSON.stringify(answer.body));
        warnings.push(...answer.warnings);
      }
      return { done: { code: found.code, text: found.text, warnings } };
    };
  }
});
