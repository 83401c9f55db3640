import { parseDuration } from '../../../apis/duration.ts';
import { ApiError } from '../../errors.ts';
import {
  getOperation,
  listOperations,
  type Operation,
  waitForOperation,
} from '../../operations/operations.ts';
import { type Call, type Handler, type Scene, sceneOf } from '../call.ts';
import type { Fields } from '../conversion/value.ts';
import { lastId, parseName } from '../names.ts';
import { operationMessage } from '../operation.ts';
import { listed } from './page.ts';

/** How long a client waits that names no time, and the longest time that it may name. */
const WAIT_MS = 30_000;
const LONGEST_WAIT_MS = 120_000;

function target(call: Call): { scene: Scene; id: string } {
  const name = parseName(call.request.name, 'name', 'operations');
  return { scene: sceneOf(call, name), id: lastId(name) };
}

/** google.longrunning.Operations */
export const OPERATION_METHODS: Readonly<Record<string, Handler>> = {
  GetOperation: async (call) => {
    const { scene, id } = target(call);
    return operationMessage(await getOperation(scene.resources, id), scene);
  },
  WaitOperation: async (call) => {
    const { scene, id } = target(call);
    const { timeout } = call.request;
    const asked = timeout === undefined ? WAIT_MS : (parseDuration(String(timeout)) ?? WAIT_MS);
    const waitMs = Math.min(asked, LONGEST_WAIT_MS);
    return operationMessage(await waitForOperation(scene.resources, id, waitMs, call.signal), scene);
  },
  ListOperations: async (call) => {
    const scene = sceneOf(call, parseName(call.request.name, 'name', ''));
    const operations: Operation[] = await listOperations(scene.resources);
    return listed(
      'operations',
      operations.map((each) => operationMessage(each, scene)),
      undefined,
    );
  },
  // There is no record to delete: what is asked of it follows from the object.
  DeleteOperation: async (call) => {
    const { scene, id } = target(call);
    await getOperation(scene.resources, id);
    return {};
  },
  CancelOperation: async () => {
    throw new ApiError(
      'UNIMPLEMENTED',
      'Operations of Cloud Run cannot be cancelled; cancel the execution instead.',
    );
  },
};

/** google.cloud.location.Locations: a cluster is one region. */
export const LOCATION_METHODS: Readonly<Record<string, Handler>> = {
  ListLocations: async ({ context, person, request }) => {
    const project = String(request.name ?? '').replace(/^projects\//, '');
    context.resourcesOf(person, project);
    return { locations: [location(project, context.config.metadata.region)] };
  },
  GetLocation: async (call) => {
    const name = parseName(call.request.name, 'name', '');
    sceneOf(call, name);
    return location(name.project, call.context.config.metadata.region);
  },
};

function location(project: string, region: string): Fields {
  return {
    name: `projects/${project}/locations/${region}`,
    locationId: region,
    displayName: region,
    labels: { 'cloud.googleapis.com/region': region },
  };
}
