import type { Condition } from '../../../operator/apis/condition.ts';
import { portability } from '../../../operator/reconcilers/readiness.ts';

/** Health in Argo CD's words. */
export type Health = 'Progressing' | 'Healthy' | 'Degraded';

/** What an object's controller says of it, and the health that follows. */
export interface Case {
  kind: string;
  /** None where no controller has looked at it. */
  conditions?: Condition[];
  health: Health;
}

const condition = (type: string, status: Condition['status'], message?: string): Condition => ({
  type,
  status,
  message,
});

/** Conditions of these types that are true. */
export function ready(...types: string[]): Condition[] {
  return types.map((type) => condition(type, 'True'));
}

/** The conditions of a service that is ready. */
export const READY_SERVICE = ready('Ready', 'ConfigurationsReady', 'RoutesReady');

const strange = portability([{ path: 'metadata.name', message: 'is long', strict: true }]);

/** By what is looked at. */
export const HEALTH: Readonly<Record<string, Case>> = {
  'a service that is new': { kind: 'Service', health: 'Progressing' },
  'a service that is ready': { kind: 'Service', conditions: READY_SERVICE, health: 'Healthy' },
  'a service that is ready, and that Cloud Run would refuse': {
    kind: 'Service',
    conditions: [...READY_SERVICE, ...strange],
    health: 'Healthy',
  },
  'a service that rolls out': {
    kind: 'Service',
    conditions: [
      condition('Ready', 'Unknown'),
      condition('ConfigurationsReady', 'Unknown'),
      ...ready('RoutesReady'),
    ],
    health: 'Progressing',
  },
  'a service that failed': {
    kind: 'Service',
    conditions: [
      condition('Ready', 'False', 'it crashed'),
      condition('ConfigurationsReady', 'False', 'it crashed'),
    ],
    health: 'Degraded',
  },
  'a job': { kind: 'Job', conditions: ready('Ready'), health: 'Healthy' },
  'a job that is new': { kind: 'Job', health: 'Progressing' },
  'an execution that runs': {
    kind: 'Execution',
    conditions: [...ready('Started'), condition('Completed', 'Unknown')],
    health: 'Progressing',
  },
  'an execution that is over': {
    kind: 'Execution',
    conditions: ready('Started', 'Completed'),
    health: 'Healthy',
  },
  'an execution that failed': {
    kind: 'Execution',
    conditions: [condition('Completed', 'False', 'Task 3 failed')],
    health: 'Degraded',
  },
  'a worker pool that starts': {
    kind: 'WorkerPool',
    conditions: [condition('Ready', 'Unknown')],
    health: 'Progressing',
  },
  'a worker pool that runs': {
    kind: 'WorkerPool',
    conditions: [...ready('Ready'), ...strange],
    health: 'Healthy',
  },
  'a worker pool that crashes': {
    kind: 'WorkerPool',
    conditions: [condition('Ready', 'False', 'it crashed')],
    health: 'Degraded',
  },
};
