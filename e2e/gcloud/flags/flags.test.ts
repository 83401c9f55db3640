import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { FlagCase } from '../../../operator/api/flags/flag.ts';
import { JOB_FLAGS } from '../../../operator/api/flags/jobs.ts';
import { SERVICE_FLAGS } from '../../../operator/api/flags/services.ts';
import { runGcloud } from '../../../operator/api/testing/flags/gcloudRun.ts';
import { check, wordsOf } from '../../../operator/api/testing/flags/run.ts';
import { HELLO_IMAGE } from '../../lib/services.ts';
import { useGcloud } from '../person.ts';

const IMAGES = { IMAGE: HELLO_IMAGE, IMAGE2: 'registry.kube-system.svc/hello:2', ENDING: HELLO_IMAGE };

/** The commands of gcloud, as its shell completion knows them. */
interface Tree {
  commands: Record<string, Tree>;
  flags: Record<string, unknown>;
}

/** Not among the tests of each run: it takes two minutes of a processor. */
describe('flags of gcloud on the cluster', function () {
  this.timeout(300_000);
  const suite = useGcloud('e2e-gcloud-flags');

  it('are all in the tables', () => {
    const program = realpathSync(execFileSync('which', ['gcloud'], { encoding: 'utf8' }).trim());
    const text = readFileSync(join(program, '../../data/cli/gcloud_completions.py'), 'utf8');
    const { run } = (JSON.parse(text.slice(text.indexOf('= {') + 2)) as Tree).commands;
    const flagsOf = (tree?: Tree) => Object.keys(tree?.commands.deploy?.flags ?? {}).sort();
    const inTable = (cases: readonly FlagCase[]) =>
      cases.flatMap(({ outcomes }) => Object.keys(outcomes)).sort();
    assert.deepEqual(inTable(SERVICE_FLAGS), flagsOf(run));
    assert.deepEqual(inTable(JOB_FLAGS), flagsOf(run?.commands.jobs));
  });

  for (const one of [...SERVICE_FLAGS, ...JOB_FLAGS])
    it(`do what the table says: ${one.command}`, async () => {
      const words = wordsOf(suite.namespace, IMAGES);
      await check(one, await runGcloud(suite.gcloud, one, words), suite.client, words);
    });
});
