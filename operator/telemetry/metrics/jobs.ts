import { Gauge, Histogram } from '../prometheus.ts';
import { registers } from './registry.ts';

// Executions and their tasks.

/** What the controller's cache holds of one execution. */
export interface ExecutionSeries {
  /** pending, running, succeeded, failed or cancelled. */
  state: string;
  /** Number of tasks by state; of an execution that goes on. */
  tasks: Readonly<Record<string, number>>;
}

let executionSource: () => Iterable<ExecutionSeries> = () => [];

/** Where the numbers of executions come from: the controller's cache, read when /metrics is asked. */
export function setExecutionSource(source: () => Iterable<ExecutionSeries>): void {
  executionSource = source;
}

export const executions = new Gauge({
  name: 'homerun_executions',
  help: 'Executions that exist, by state: pending, running, succeeded, failed, cancelled',
  labelNames: ['state'],
  registers,
  collect() {
    this.reset();
    for (const { state } of executionSource()) this.inc({ state });
  },
});

export const tasks = new Gauge({
  name: 'homerun_tasks',
  help: 'Tasks of executions that have not ended, by state: pending, running, succeeded, failed, retried',
  labelNames: ['state'],
  registers,
  collect() {
    this.reset();
    for (const series of executionSource()) {
      for (const [state, count] of Object.entries(series.tasks)) this.inc({ state }, count);
    }
  },
});

/** Upper bounds in seconds, from an instant to the week that a task may take. */
const DURATIONS = [1, 5, 10, 30, 60, 300, 600, 1800, 3600, 10_800, 43_200, 86_400, 604_800];

export const executionDuration = new Histogram({
  name: 'homerun_execution_duration_seconds',
  help: 'Time from start to end of an execution, by result: succeeded, failed, cancelled',
  labelNames: ['result'],
  buckets: DURATIONS,
  registers,
});

export const taskStart = new Histogram({
  name: 'homerun_task_start_seconds',
  help: 'Time from the creation of an attempt of a task until its container started; whole seconds',
  buckets: [1, 2, 3, 5, 10, 20, 30, 60, 120, 300, 600],
  registers,
});

export const taskDuration = new Histogram({
  name: 'homerun_task_duration_seconds',
  help: 'Time that the container of an attempt of a task ran, by result: succeeded, failed; whole seconds',
  labelNames: ['result'],
  buckets: DURATIONS,
  registers,
});
