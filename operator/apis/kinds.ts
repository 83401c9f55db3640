import { EXECUTION } from './run/execution/kind.ts';
import { JOB } from './run/job/kind.ts';
import { WORKER_POOL } from './run/workerPool/kind.ts';
import type { KindDefinition } from './schema.ts';
import { CONFIGURATION } from './serving/configuration/kind.ts';
import { REVISION } from './serving/revision/kind.ts';
import { ROUTE } from './serving/route/kind.ts';
import { SERVICE } from './serving/service/kind.ts';

/** Every kind that the product serves; CRDs are generated from this list. */
export const KINDS: readonly KindDefinition[] = [
  SERVICE,
  CONFIGURATION,
  ROUTE,
  REVISION,
  JOB,
  EXECUTION,
  WORKER_POOL,
];
