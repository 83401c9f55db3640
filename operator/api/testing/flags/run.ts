import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { IAM } from '../../../apis/iam/bindings.ts';
import { readMembers } from '../../../apis/iam/members.ts';
import { EXECUTIONS } from '../../../apis/run/execution/types.ts';
import { JOBS } from '../../../apis/run/job/types.ts';
import { SERVICES } from '../../../apis/serving/service/types.ts';
import type { KubeClient } from '../../../kube/client.ts';
import { ROLE_BINDINGS } from '../../../kube/core.ts';
import type { KubeObject, ResourceType } from '../../../kube/types.ts';
import { at, type FlagCase, type Outcome } from '../../flags/flag.ts';
import { REGION } from '../installation.ts';
import { filled, type Words } from '../words.ts';

/** What a command has done. */
export interface Done {
  code: number;
  text: string;
  /** What its answers warned of; undefined where that is not known. */
  warnings?: readonly string[];
}

/** The words that do not depend on where a command runs. */
export function wordsOf(project: string, images: Words): Words {
  return { ...images, PROJECT: project, REGION };
}

/** Asserts that a command has done what the table says of each of its flags. */
export async function check(
  { command, outcomes }: FlagCase,
  { code, text, warnings }: Done,
  client: KubeClient,
  words: Words,
): Promise<void> {
  const isRefused = Object.values(outcomes).some(({ result }) => result === 'refused');
  equal(code, isRefused ? 1 : 0, text);
  const object = isRefused ? undefined : await stored(client, command, words.PROJECT ?? '');
  for (const [flag, outcome] of Object.entries(outcomes)) {
    ok(command.includes(flag.replace('--', '')), `${flag} is not in the command`);
    checkOne(flag, outcome, { code, text, warnings }, object, words);
  }
}

function checkOne(
  flag: string,
  outcome: Outcome,
  { text, warnings }: Done,
  object: unknown,
  words: Words,
): void {
  if ('prints' in outcome) {
    match(text, outcome.prints, `${flag}: ${text}`);
    return;
  }
  const { result, path, value } = outcome;
  const wanted = value === undefined ? undefined : JSON.parse(filled(JSON.stringify(value), words));
  deepEqual(at(object, path), wanted, `${flag}: ${path} of ${JSON.stringify(object)}`);
  const isWarned = warnings?.some((warning) => warning.includes(`${path}:`)) ?? result === 'warned';
  equal(isWarned, result === 'warned', `${flag}: ${warnings?.join('\n')}`);
}

/** The object that a command is about, with its policy and the number of its executions. */
async function stored(client: KubeClient, command: string, namespace: string): Promise<object> {
  const [, jobs, name = ''] = /^run (jobs )?deploy (\S+)/.exec(command) ?? [];
  const type: ResourceType<KubeObject> = jobs ? JOBS : SERVICES;
  const object = await client.get(type, { namespace, name });
  ok(object, `there is no ${type.kind} ${name}`);
  const labelSelector = `${IAM.resource}=${name}`;
  const bindings = await client.list(ROLE_BINDINGS, { namespace, labelSelector });
  const policy = bindings.items.map(({ metadata: { labels, annotations } }) => ({
    role: `roles/${labels?.[IAM.role]}`,
    members: readMembers(annotations?.[IAM.members]),
  }));
  const executions = await client.list(EXECUTIONS, {
    namespace,
    labelSelector: `run.googleapis.com/job=${name}`,
  });
  return { ...object, policy, executions: executions.items.length };
}
