import { EXECUTION } from './run/execution/schema.ts';
import { JOB } from './run/job/schema.ts';
import { WORKER_POOL } from './run/workerPool/schema.ts';
import type { KindDefinition } from './schema.ts';
import { CONFIGURATION } from './serving/configuration/schema.ts';
import { REVISION } from './serving/revision/schema.ts';
import { ROUTE } from './serving/route/schema.ts';
import { SERVICE } from './serving/service/schema.ts';

/** Every kind that the product serves; CRDs and models are generated from this list. */
export const KINDS: readonly KindDefinition[] = [
  SERVICE,
  CONFIGURATION,
  ROUTE,
  REVISION,
  JOB,
  EXECUTION,
  WORKER_POOL,
];
