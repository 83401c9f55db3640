import { Type } from 'typebox';
import { flag, int32, int64OrText, list, text } from '../../schema.ts';
import { schemaErrors } from '../../schemaValidation.ts';
import { EnvVarSchema, MAX_CONTAINERS, MAX_ENV } from '../../serving/container/schema.ts';
import type { EnvVar } from '../../serving/container/types.ts';
import { MAX_TASKS, MAX_TIMEOUT_SECONDS } from '../task/schema.ts';
import type { ExecutionSpec, TaskSpec } from './types.ts';

type Container = TaskSpec['containers'][number];

/** Overrides of one container of an execution (API reference, ContainerOverride). */
export interface ContainerOverride {
  /** Optional when there is only one container. */
  name?: string;
  /** Replace the job's unless empty. */
  args?: string[];
  /** Removes the job's arguments. */
  clearArgs?: boolean;
  /** Added to the job's; replace those of the same name. */
  env?: EnvVar[];
}

/** Overrides of an execution (API reference, RunJobRequest). */
export interface Overrides {
  containerOverrides?: ContainerOverride[];
  taskCount?: number;
  /** A number, or a string of digits as clients of Cloud Run write it. */
  timeoutSeconds?: number | string;
}

/** The JSON of annotation homerun.dev/overrides. */
export const OverridesSchema = Type.Object({
  containerOverrides: list(
    Type.Object({
      name: text(63),
      args: list(Type.String({ maxLength: 32_768 }), 1000),
      clearArgs: flag('Whether to remove the arguments of the job.'),
      env: list(EnvVarSchema, MAX_ENV),
    }),
    MAX_CONTAINERS,
  ),
  taskCount: int32(1, MAX_TASKS),
  timeoutSeconds: int64OrText(1, MAX_TIMEOUT_SECONDS),
});

/** Parses annotation homerun.dev/overrides; undefined when it is unset or unreadable, which admission rejects. */
export function parseOverrides(text: string | undefined): Overrides | undefined {
  const parsed = jsonOf(text);
  const unreadable = schemaErrors(OverridesSchema, parsed, '').some((error) => error.unreadable);
  return unreadable ? undefined : (parsed as Overrides);
}

function jsonOf(text = ''): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The spec of an execution with the overrides applied. Pure and idempotent. */
export function withOverrides<S extends ExecutionSpec>(spec: S, overrides: Overrides): S {
  const { containerOverrides = [], timeoutSeconds } = overrides;
  const taskCount = overrides.taskCount ?? spec.taskCount;
  // Parallelism is at most the overridden number of tasks.
  const parallelism = spec.parallelism && Math.min(spec.parallelism, overrides.taskCount ?? spec.parallelism);
  const task = spec.template.spec;
  const containers = containerOverrides.reduce(overridden, task.containers);
  const timeout = timeoutSeconds ?? task.timeoutSeconds;
  return {
    ...spec,
    ...(taskCount === undefined ? {} : { taskCount }),
    ...(parallelism === undefined ? {} : { parallelism }),
    template: {
      ...spec.template,
      spec: { ...task, containers, ...(timeout === undefined ? {} : { timeoutSeconds: timeout }) },
    },
  };
}

/** The container that an override applies to. */
export function overriddenContainer<C extends Container>(
  containers: readonly C[],
  { name }: ContainerOverride,
): C | undefined {
  return name ? containers.find((container) => container.name === name) : sole(containers);
}

function sole<C>(containers: readonly C[]): C | undefined {
  return containers.length === 1 ? containers[0] : undefined;
}

function overridden<C extends Container>(containers: C[], override: ContainerOverride): C[] {
  const target = overriddenContainer(containers, override);
  return containers.map((container) =>
    container === target ? withOverride(container, override) : container,
  );
}

function withOverride<C extends Container>(
  container: C,
  { args, clearArgs, env = [] }: ContainerOverride,
): C {
  const names = new Set(env.map(({ name }) => name));
  const kept = (container.env ?? []).filter(({ name }) => !names.has(name));
  const { args: _, ...bare } = container;
  const changed = clearArgs ? bare : args && args.length > 0 ? { ...bare, args } : container;
  return { ...changed, ...(env.length > 0 ? { env: [...kept, ...env] } : {}) } as C;
}
