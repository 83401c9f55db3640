import { type TSchema, Type } from 'typebox';
import { type CelRule, int32, int64OrText, object, optionalObject, rules } from '../../schema.ts';
import { TemplateContainerSchema } from '../../serving/container/schema.ts';
import { CONTAINER_NAMES, instanceFields, MOUNTED_VOLUMES } from '../../serving/instance/schema.ts';

/** Maximum number of tasks of an execution (Cloud Run jobs, --tasks). */
export const MAX_TASKS = 10_000;
/** Maximum number of retries of a task (Cloud Run jobs, --max-retries). */
export const MAX_RETRIES = 10;
/** Maximum timeout of an attempt in seconds: 168 hours (Cloud Run jobs, --task-timeout). */
export const MAX_TIMEOUT_SECONDS = 604_800;
/** Maximum timeout of an attempt that uses a GPU: one hour. */
export const MAX_GPU_TIMEOUT_SECONDS = 3600;

const GPU = "'nvidia.com/gpu'";
const WITH_GPU = `has(c.resources) && has(c.resources.limits) && ${GPU} in c.resources.limits && string(c.resources.limits[${GPU}]) != '0'`;

/** A task receives no requests and has no liveness probe (container contract, jobs). */
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
  'Containers of a task. The first that no other container depends on is the main container, with which the task ends.';

const taskFields = <T extends TSchema>(container: T) => ({
  ...instanceFields(container, CONTAINERS),
  maxRetries: int32(0, MAX_RETRIES, 'Number of retries of a failed task; 3 when unset.'),
  timeoutSeconds: int64OrText(
    1,
    MAX_TIMEOUT_SECONDS,
    `Timeout of one attempt of a task in seconds; 600 when unset, at most ${MAX_GPU_TIMEOUT_SECONDS} with a GPU.`,
  ),
});

const executionFields = <T extends TSchema>(template: T) => ({
  parallelism: int32(
    0,
    MAX_TASKS,
    'Maximum number of tasks that run at once; as many as possible when unset or 0.',
  ),
  taskCount: int32(0, MAX_TASKS, 'Number of tasks; 1 when unset.'),
  template,
});

const DESCRIPTIONS = {
  task: 'Spec of a task.',
  template: 'Template of the tasks.',
  execution: 'Spec of an execution.',
} as const;

/** The spec of a task as a job declares it: complete except for defaults. */
export const TaskSpecSchema = object(
  DESCRIPTIONS.task,
  taskFields(TemplateContainerSchema),
  rules(...TASK_RULES),
);

/** The spec of an execution as a job declares it: complete except for defaults. */
export const ExecutionTemplateSpecSchema = object(
  DESCRIPTIONS.execution,
  executionFields(
    object(DESCRIPTIONS.template, {
      spec: TaskSpecSchema,
    }),
  ),
);

const ifThere = (field: string, rule: CelRule): CelRule => ({
  ...rule,
  rule: `!has(self.${field}) || (${rule.rule})`,
});

const { containers, ...others } = taskFields(TemplateContainerSchema);

/** The spec of a manually created execution: unset fields are those of its job. */
export const ExecutionSpecSchema = object(
  DESCRIPTIONS.execution,
  executionFields(
    optionalObject(DESCRIPTIONS.template, {
      spec: optionalObject(
        DESCRIPTIONS.task,
        { containers: Type.Optional(containers), ...others },
        rules(...TASK_RULES.map((rule) => ifThere('containers', rule))),
      ),
    }),
  ),
);
