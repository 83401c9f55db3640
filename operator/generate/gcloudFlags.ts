import type { FlagCase, Outcome } from '../api/flags/flag.ts';
import { JOB_FLAGS } from '../api/flags/jobs.ts';
import { SERVICE_FLAGS } from '../api/flags/services.ts';
import { type GeneratedFile, generatedFrom } from './file.ts';

const INTRODUCTION = `# Flags of gcloud

Every flag of gcloud 528's \`run deploy\` and \`run jobs deploy\`, and what becomes of it at the [Admin API](gcloud.md). The tests run
the commands of these tables and look at the object that they make.

- **works**: the effect is in the object, which does what Cloud Run does with it ([fields and annotations](contract.md)).
- **warned**: it is in the object and has no effect in a cluster, and the answer [warns of it](gcloud.md#warnings).
- **refused**: the command fails.

A flag with a \`--no-\` form is listed without it.`;

/** The page with the flags of gcloud, from the tables by which they are tested. */
export function gcloudFlagsFile(): GeneratedFile {
  const parts = [
    INTRODUCTION,
    section('gcloud run deploy', SERVICE_FLAGS),
    section('gcloud run jobs deploy', JOB_FLAGS),
  ];
  const text = `<!-- ${generatedFrom('operator/api/flags')} -->\n${parts.join('\n\n')}\n`;
  return { path: 'docs/gcloud-flags.md', text };
}

function section(command: string, cases: readonly FlagCase[]): string {
  const rows = cases
    .flatMap(({ outcomes }) => Object.entries(outcomes))
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([flag, outcome]) => `| \`${flag}\` | ${outcome.result} | ${effectOf(outcome)} |`);
  return [`## ${command}`, '', '| flag | result | effect |', '| --- | --- | --- |', ...rows].join('\n');
}

function effectOf(outcome: Outcome): string {
  if ('note' in outcome) return outcome.note;
  const { path, value } = outcome;
  if (path.startsWith('policy')) return 'the policy of the service';
  if (path === 'executions') return 'an execution is made';
  return value === undefined ? `\`${path}\` is removed` : `\`${path}\``;
}
