import { DOMAIN_MAPPING } from './domains/domainMapping/kind.ts';
import type { KindDefinition } from './kind.ts';
import { EXECUTION } from './run/execution/kind.ts';
import { JOB } from './run/job/kind.ts';
import { WORKER_POOL } from './run/workerPool/kind.ts';
import { CONFIGURATION } from './serving/configuration/kind.ts';
import { REVISION } from './serving/revision/kind.ts';
import { ROUTE } from './serving/route/kind.ts';
import { SERVICE } from './serving/service/kind.ts';

/** Every kind that Homerun serves, by its name in the plural. Whatever lists kinds follows from this list. */
export const KINDS_BY_NAME = {
  services: SERVICE,
  configurations: CONFIGURATION,
  routes: ROUTE,
  revisions: REVISION,
  jobs: JOB,
  executions: EXECUTION,
  workerPools: WORKER_POOL,
  domainMappings: DOMAIN_MAPPING,
};

export const KINDS: readonly KindDefinition[] = Object.values(KINDS_BY_NAME);

/** The kinds as an API server serves them. */
export const KIND_TYPES = KINDS.map(({ type }) => type);

/** The kind of a group and name, as an object or an admission review has them; undefined where it is none of ours. */
export function kindOf(group: string, kind: string): KindDefinition | undefined {
  return KINDS.find((each) => each.kind === kind && each.group === group);
}
