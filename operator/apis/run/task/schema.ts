import { type TSchema, Type } from 'typebox';
import { type CelRule, int32, int64OrText, rules } from '../../schema.ts';
import { ContainerSchema, TemplateContainerSchema } from '../../serving/container/schema.ts';
import { CONTAINER_NAMES, instanceFields, MOUNTED_VOLUMES } from '../../serving/instance/schema.ts';

/** Most tasks of one execution (Cloud Run jobs, --tasks). */
export const MAX_TASKS = 10_000;
/** Most retries of one task (Cloud Run jobs, --max-retries). */
export const MAX_RETRIES = 10;
/** Longest attempt of a task in seconds: 168 hours (Cloud Run jobs, --task-timeout). */
export const MAX_TIMEOUT_SECONDS = 604_800;
/** The same for a task that uses a GPU: one hour. */
export const MAX_GPU_TIMEOUT_SECONDS = 3600;

const GPU = "'nvidia.com/gpu'";
const WITH_GPU = `has(c.resources) && has(c.resources.limits) && ${GPU} in c.resources.limits && string(c.resources.limits[${GPU}]) != '0'`;

/** Nobody sends requests to a task, and nobody asks whether it lives (container contract, jobs). */
const TASK_RULES: readonly CelRule[] = [
  CONTAINER_NAMES,
  MOUNTED_VOLUMES,
  {
    rule: 'self.containers.all(c, !has(c.livenessProbe) && !has(c.readinessProbe))',
    message:
      'a task runs to completion, so its containers must have neither livenessProbe nor readinessProbe',
    fieldPath: '.containers',
  },
  {
    rule: `!has(self.timeoutSeconds) || int(self.timeoutSeconds) <= ${MAX_GPU_TIMEOUT_SECONDS} || !self.containers.exists(c, ${WITH_GPU})`,
    message: `with a GPU timeoutSeconds must be at most ${MAX_GPU_TIMEOUT_SECONDS}`,
    fieldPath: '.timeoutSeconds',
  },
];

const CONTAINERS =
  'Containers of a task; the first that nobody waits for is the main container, with which the task ends.';

const taskFields = <T extends TSchema>(container: T) => ({
  ...instanceFields(container, CONTAINERS),
  maxRetries: int32(0, MAX_RETRIES, {
    description: 'How often a task that fails is tried again; 3 when unset.',
  }),
  timeoutSeconds: int64OrText(1, MAX_TIMEOUT_SECONDS, {
    description: `Time for one attempt of a task in seconds, 600 when unset; at most ${MAX_GPU_TIMEOUT_SECONDS} with a GPU.`,
  }),
});

const executionFields = <T extends TSchema>(template: T) => ({
  parallelism: int32(0, MAX_TASKS, {
    description: 'Most tasks at once; unset or 0: as many as possible.',
  }),
  taskCount: int32(0, MAX_TASKS, { description: 'Number of tasks; 1 when unset.' }),
  template,
});

const DESCRIPTIONS = {
  task: 'What a task is made of.',
  template: 'The tasks of an execution.',
  execution: 'What an execution does.',
} as const;

/** The spec of an execution as a job declares it: complete but for its defaults. */
export const ExecutionTemplateSpecSchema = Type.Object(
  executionFields(
    Type.Object(
      {
        spec: Type.Object(taskFields(TemplateContainerSchema), {
          description: DESCRIPTIONS.task,
          ...rules(...TASK_RULES),
        }),
      },
      { description: DESCRIPTIONS.template },
    ),
  ),
  { description: DESCRIPTIONS.execution },
);

const ifThere = (field: string, rule: CelRule): CelRule => ({
  ...rule,
  rule: `!has(self.${field}) || (${rule.rule})`,
});

const { containers, ...others } = taskFields(TemplateContainerSchema);

/** The spec of an execution that is made by hand: what is missing is that of its job. */
export const ExecutionSpecSchema = Type.Object(
  executionFields(
    Type.Optional(
      Type.Object(
        {
          spec: Type.Optional(
            Type.Object(
              { containers: Type.Optional(containers), ...others },
              {
                description: DESCRIPTIONS.task,
                ...rules(...TASK_RULES.map((rule) => ifThere('containers', rule))),
              },
            ),
          ),
        },
        { description: DESCRIPTIONS.template },
      ),
    ),
  ),
  { description: DESCRIPTIONS.execution },
);

/** The spec of an execution with its defaults filled in: its containers have names. */
export const CompleteExecutionSpecSchema = Type.Object(
  executionFields(Type.Object({ spec: Type.Object(taskFields(ContainerSchema), rules(...TASK_RULES)) })),
);
