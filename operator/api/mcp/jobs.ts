import { Type } from 'typebox';
import { ApiError } from '../errors.ts';
import type { Fields } from '../v2/conversion/value.ts';
import { inProject, LIMIT, NAME, ofOneJob } from './arguments.ts';
import { lastWords, lines, ofJob } from './logs.ts';
import { callMethod, finished, placeOf, shortName } from './methods.ts';
import type { Answer, Arguments, Tool, ToolCall } from './tool.ts';

const EXECUTION = Type.String({ minLength: 1, description: 'The short name of the execution.' });
/** What a list shows of a job. */
const LISTED = ['name', 'createTime', 'updateTime', 'executionCount', 'latestCreatedExecution'] as const;

/** Tools about jobs, which Google's servers do not have yet; their names follow the same rule. */
export const JOB_TOOLS: readonly Tool[] = [
  {
    name: 'list_jobs',
    description: 'Lists the Cloud Run jobs of a project, each with its latest execution.',
    input: inProject(),
    reads: true,
    act: async (given, call) => {
      const page = await callMethod(call, 'Jobs.ListJobs', { parent: placeOf(given, call), pageSize: 1000 });
      const jobs = ((page.jobs ?? []) as Fields[]).map((job) =>
        Object.fromEntries(LISTED.map((key) => [key, job[key]])),
      );
      return { project: given.project, jobs };
    },
  },
  {
    name: 'get_job',
    description: 'Describes a Cloud Run job and its latest execution.',
    input: ofOneJob(),
    reads: true,
    act: (given, call) => callMethod(call, 'Jobs.GetJob', { name: nameOf(given, call) }),
  },
  {
    name: 'execute_job',
    description: 'Runs a Cloud Run job and waits until the execution is over.',
    input: ofOneJob({
      args: Type.Optional(Type.Array(Type.String(), { description: "Instead of the job's arguments." })),
      env: Type.Optional(
        Type.Array(Type.Object({ name: Type.String(), value: Type.String() }), {
          description: 'Environment variables besides those of the job.',
        }),
      ),
      taskCount: Type.Optional(Type.Integer({ minimum: 1, description: "Instead of the job's." })),
      wait: Type.Optional(
        Type.Boolean({ description: 'false returns at once; get_execution tells the rest.' }),
      ),
    }),
    reads: false,
    act: execute,
  },
  {
    name: 'get_execution',
    description:
      'Describes an execution of a Cloud Run job: how many of its tasks succeeded, and why some failed.',
    input: ofOneJob({ execution: EXECUTION }),
    reads: true,
    act: (given, call) =>
      callMethod(call, 'Executions.GetExecution', {
        name: `${nameOf(given, call)}/executions/${shortName(given.execution)}`,
      }),
  },
  {
    name: 'get_job_log',
    description: 'Reads the newest log lines of a Cloud Run job, or of one execution of it, oldest first.',
    input: ofOneJob({ execution: NAME('execution'), limit: LIMIT }),
    reads: true,
    act: async (given, call) => {
      const filter = ofJob(shortName(given.job), given.execution);
      return (await lines(call, given.project, filter, given.limit)).join('\n') || 'There are no log lines.';
    },
  },
];

function nameOf(given: Arguments, call: ToolCall): string {
  return `${placeOf(given, call)}/jobs/${shortName(given.job)}`;
}

async function execute(given: Arguments, call: ToolCall): Promise<Answer> {
  const { args, env, taskCount, wait = true } = given;
  const container = { ...(args ? { args } : {}), ...(env ? { env } : {}) };
  const overrides = {
    ...(args || env ? { containerOverrides: [container] } : {}),
    ...(taskCount === undefined ? {} : { taskCount }),
  };
  const begun = await callMethod(call, 'Jobs.RunJob', {
    name: nameOf(given, call),
    ...(Object.keys(overrides).length > 0 ? { overrides } : {}),
  });
  const operation = wait ? await finished(begun, call, progressOf) : begun;
  const execution = (operation.metadata ?? {}) as Fields;
  if (!operation.error) return execution;
  const name = shortName(execution.name);
  const words = await lastWords(call, given.project, ofJob(shortName(given.job), name));
  const { message } = operation.error as Fields;
  throw new ApiError('FAILED_PRECONDITION', `Execution ${name} failed: ${message}${words}`);
}

function progressOf({ name, succeededCount = 0, taskCount = 1 }: Fields): string {
  return `Execution ${shortName(name)}: ${succeededCount} of ${taskCount} tasks succeeded.`;
}
