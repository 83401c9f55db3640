// Generated from operator/apis/kinds.ts by "npm run generate"; do not edit.
import * as configuration from './configuration/reconciler.ts';
import type { Reconciler } from './context.ts';
import * as domainMapping from './domainMapping/reconciler.ts';
import * as execution from './execution/reconciler.ts';
import * as job from './job/reconciler.ts';
import * as revision from './revision/reconciler.ts';
import * as route from './route/reconciler.ts';
import * as service from './service/reconciler.ts';
import * as workerPool from './workerPool/reconciler.ts';

/** The reconciler of each kind. */
export const RECONCILERS: readonly Reconciler[] = [
  { ...service, controller: service.serviceController },
  { ...configuration, controller: configuration.configurationController },
  { ...route, controller: route.routeController },
  { ...revision, controller: revision.revisionController },
  { ...job, controller: job.jobController },
  { ...execution, controller: execution.executionController },
  { ...workerPool, controller: workerPool.workerPoolController },
  { ...domainMapping, controller: domainMapping.domainMappingController },
];
