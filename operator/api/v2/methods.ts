import type { DescMethod } from '@bufbuild/protobuf';
import { ApiError } from '../errors.ts';
import { checked, type Handler } from './call.ts';
import { CONVERSIONS } from './conversion/kinds.ts';
import { BUILD_METHODS } from './handlers/builds.ts';
import { EXECUTION_METHODS, JOB_METHODS, REVISION_METHODS, TASK_METHODS } from './handlers/children.ts';
import { LOG_METHODS } from './handlers/logs.ts';
import { LOCATION_METHODS, OPERATION_METHODS } from './handlers/operations.ts';
import { policyMethods } from './handlers/policies.ts';
import { writtenMethods } from './handlers/resource.ts';
import { bindingsOf, type HttpBinding, serviceOf } from './registry.ts';

/** A method of the API with what answers it. */
export interface Method {
  descriptor: DescMethod;
  handler: Handler;
  /** How it is called over REST. */
  bindings: readonly HttpBinding[];
}

const { Service, Job, WorkerPool } = CONVERSIONS;

const service = { conversion: Service, collection: 'services', field: 'service' };
const job = { conversion: Job, collection: 'jobs', field: 'job' };
const pool = { conversion: WorkerPool, collection: 'workerPools', field: 'workerPool' };

/** What every service of the API does. */
const HANDLERS: Readonly<Record<string, Readonly<Record<string, Handler>>>> = {
  Services: { ...writtenMethods(service), ...policyMethods('services') },
  Jobs: { ...writtenMethods(job), ...JOB_METHODS, ...policyMethods('jobs') },
  WorkerPools: { ...writtenMethods(pool), ...policyMethods('workerPools') },
  Revisions: REVISION_METHODS,
  Executions: EXECUTION_METHODS,
  Tasks: TASK_METHODS,
  Builds: BUILD_METHODS,
  'google.longrunning.Operations': OPERATION_METHODS,
  'google.cloud.location.Locations': LOCATION_METHODS,
  'google.logging.v2.LoggingServiceV2': LOG_METHODS,
};

/** Services that are not there yet, and what to do instead. */
const UNIMPLEMENTED: Readonly<Record<string, string>> = {
  Instances: 'Homerun has no instances yet: deploy a service or a worker pool.',
};

const PLACE = '/v2/{name=projects/*/locations/*';

/**
 * Paths of what all of Google's APIs have: the service configuration of Cloud Run gives them paths of its own, which its
 * clients know (@google-cloud/run, lroOptions.httpRules).
 */
const COMMON_BINDINGS: Readonly<Record<string, HttpBinding>> = {
  GetOperation: { method: 'GET', path: `${PLACE}/operations/*}`, body: '' },
  DeleteOperation: { method: 'DELETE', path: `${PLACE}/operations/*}`, body: '' },
  ListOperations: { method: 'GET', path: `${PLACE}}/operations`, body: '' },
  WaitOperation: { method: 'POST', path: `${PLACE}/operations/*}:wait`, body: '*' },
  ListLocations: { method: 'GET', path: '/v2/{name=projects/*}/locations', body: '' },
  GetLocation: { method: 'GET', path: `${PLACE}}`, body: '' },
};

const served = Object.entries(HANDLERS).flatMap(([name, handlers]) =>
  serviceOf(name).methods.flatMap((descriptor): Method[] => {
    const handler = handlers[descriptor.name];
    const common = COMMON_BINDINGS[descriptor.name];
    const bindings = name.includes('.') ? (common ? [common] : []) : bindingsOf(descriptor);
    return handler ? [{ descriptor, handler: checked(descriptor, handler), bindings }] : [];
  }),
);

const refused = Object.entries(UNIMPLEMENTED).flatMap(([name, message]) =>
  serviceOf(name).methods.map((descriptor): Method => {
    const handler = async () => {
      throw new ApiError('UNIMPLEMENTED', message);
    };
    return { descriptor, handler, bindings: bindingsOf(descriptor) };
  }),
);

/** Every method that the API answers. */
export const METHODS: readonly Method[] = [...served, ...refused];
