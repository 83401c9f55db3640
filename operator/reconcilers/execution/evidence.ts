import { conditionOf } from '../../apis/condition.ts';
import { EXECUTION_CONDITIONS as TYPES } from '../../apis/run/execution/conditions.ts';
import type { RoleConfig } from '../../roles.ts';
import type { Evidence } from '../diagnosis/evidence.ts';
import type { CompleteInput } from './input.ts';

/** What was observed of an execution, as the checks of its diagnosis take it. */
export function evidenceOf(
  { execution, batchJob, pods, digests, rejection, mount }: CompleteInput,
  config: RoleConfig<'controller'>,
  now: number,
): Evidence {
  const { metadata } = batchJob ?? execution;
  return {
    runs: 'job',
    containers: execution.spec.template.spec.containers,
    pods,
    now,
    config,
    createdAt: Date.parse(metadata.creationTimestamp ?? ''),
    digests,
    reported: conditionOf(execution.status?.conditions, TYPES.containerReady),
    rejection: rejection,
    mount,
  };
}
