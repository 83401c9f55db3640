import { randomBytes } from 'node:crypto';
import { NONCE } from '../../../apis/labels.ts';
import type { KubeObject, ResourceType } from '../../../kube/types.ts';
import { ApiError, type FieldViolation, invalidFields } from '../../errors.ts';
import { asAction } from '../../resources/failure.ts';
import { readAndWrite } from '../../resources/readAndWrite.ts';
import type { Resources } from '../../resources/resources.ts';
import { checkVersion } from '../../resources/version.ts';
import { type Call, type Handler, type Scene, sceneOf } from '../call.ts';
import {
  type Conversion,
  fieldAt,
  type StoredConversion,
  toMessage,
  toResource,
} from '../conversion/kinds.ts';
import { FieldValueError, setAt } from '../conversion/lens.ts';
import type { Fields } from '../conversion/value.ts';
import { lastId, parseName } from '../names.ts';
import { begun, validated } from '../operation.ts';
import { masked, missingFields, withoutOutput } from '../shape.ts';
import { listed, messagesOf, pageOf } from './page.ts';

/** A resource that clients write: services, jobs, worker pools. */
export interface Written {
  conversion: StoredConversion;
  /** Its collection in names, and the field of lists. */
  collection: string;
  /** The field of requests that has it; with `Id`, the one with the id of a new one. */
  field: string;
}

/** Create, Get, List, Update and Delete, by the names of the methods. */
export function writtenMethods(resource: Written): Record<string, Handler> {
  const { name } = resource.conversion.message;
  return {
    [`Create${name}`]: (call) => create(resource, call),
    [`Get${name}`]: (call) => get(resource, call),
    [`List${name}s`]: (call) => list(resource, call),
    [`Update${name}`]: (call) => update(resource, call),
    [`Delete${name}`]: (call) => remove(resource, call),
  };
}

async function create(resource: Written, call: Call): Promise<Fields> {
  const { request } = call;
  const scene = sceneOf(call, parseName(request.parent, 'parent', ''));
  const given = request[resource.field] as Fields;
  return createOne(resource, call, scene, String(request[`${resource.field}Id`]), given);
}

async function createOne(
  { conversion, field }: Written,
  { request }: Call,
  scene: Scene,
  id: string,
  given: Fields,
): Promise<Fields> {
  const { apiVersion, kind } = conversion.type;
  const { namespace } = scene.resources;
  checkComplete(conversion, given, field);
  const blank: KubeObject = { apiVersion, kind, metadata: { name: id, namespace } };
  const object = written(conversion, field, given, blank, scene);
  const dryRun = request.validateOnly === true;
  const stored = await inWordsOf(conversion, field, () =>
    scene.resources.create(conversion.type, object, { dryRun }),
  );
  return dryRun ? validated(conversion, stored, scene) : begun(conversion, 'create', stored, scene);
}

async function get({ conversion, collection }: Written, call: Call): Promise<Fields> {
  const name = parseName(call.request.name, 'name', collection);
  const { resources, place } = sceneOf(call, name);
  return toMessage(conversion, await resources.get(conversion.type, lastId(name)), place);
}

async function list({ conversion, collection }: Written, call: Call): Promise<Fields> {
  const { resources, place } = sceneOf(call, parseName(call.request.parent, 'parent', ''));
  const { items, continue: next } = await resources.list(conversion.type, pageOf(call.request));
  return listed(collection, messagesOf(conversion, items, place), next);
}

async function update(resource: Written, call: Call): Promise<Fields> {
  const { conversion, collection, field } = resource;
  const { request } = call;
  const given = request[field] as Fields;
  const name = parseName(given.name, `${field}.name`, collection);
  const scene = sceneOf(call, name);
  const id = lastId(name);
  const read = async () => {
    const current = await toUpdate(scene.resources, conversion.type, id, request.allowMissing === true);
    if (current) checkVersion(current, given.etag, 'etag');
    return current;
  };
  const updated = await readAndWrite(
    read,
    async (current) => current && updateOne(resource, call, scene, current, given),
  );
  return updated ?? createOne(resource, call, scene, id, given);
}

async function updateOne(
  { conversion, field }: Written,
  { request }: Call,
  scene: Scene,
  current: KubeObject,
  given: Fields,
): Promise<Fields> {
  const { message, type } = conversion;
  const shown = () => withoutOutput(message, toMessage(conversion, current, scene.place));
  const mask = request.updateMask as string | undefined;
  const next = masked(message, shown, withoutOutput(message, given), mask);
  checkComplete(conversion, next, field);
  const object = written(conversion, field, next, current, scene);
  if (request.forceNewRevision === true) forceRevision(object, current);
  const dryRun = request.validateOnly === true;
  const stored = await inWordsOf(conversion, field, () =>
    scene.resources.replace(type, object, { dryRun, stored: current }),
  );
  return dryRun ? validated(conversion, stored, scene) : begun(conversion, 'update', stored, scene);
}

/** Does what the cluster may refuse; its errors name fields of the stored object, these those of the request. */
async function inWordsOf<T>(conversion: Conversion, parent: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'INVALID_ARGUMENT') throw error;
    const [detail] = error.details as { fieldViolations?: FieldViolation[] }[];
    if (!detail?.fieldViolations) throw error;
    const violations = detail.fieldViolations.map(({ field, description }) => {
      const found = fieldAt(conversion, field);
      return { field: found === undefined ? field : `${parent}.${found}`, description };
    });
    throw invalidFields(violations);
  }
}

/**
 * A change of the template that makes a new revision also where nothing else changes, as gcloud makes one; an explicit
 * name can be given to one revision only.
 */
function forceRevision(object: KubeObject, current: KubeObject): void {
  const name = (each: KubeObject) =>
    (each as { spec?: { template?: { metadata?: { name?: string } } } }).spec?.template?.metadata?.name;
  const metadata = ['spec', 'template', 'metadata'];
  const fields = object as unknown as Fields;
  setAt(fields, [...metadata, 'labels', NONCE], `n${randomBytes(8).toString('hex')}`);
  if (name(object) === name(current)) setAt(fields, [...metadata, 'name'], undefined);
}

async function remove({ conversion, collection }: Written, call: Call): Promise<Fields> {
  const { type } = conversion;
  const parsed = parseName(call.request.name, 'name', collection);
  const scene = sceneOf(call, parsed);
  const { namespace } = scene.resources;
  const name = lastId(parsed);
  const action = { action: 'delete', type, namespace, name } as const;
  const read = () => asAction(action, () => scene.resources.get(type, name));
  return deleteRead(conversion, type, call, async () => ({ scene, object: await read() }));
}

/** Deletes what it reads, with the precondition of the request. */
export function deleteRead(
  conversion: Conversion,
  type: ResourceType,
  { request: { etag, validateOnly } }: Call,
  read: () => Promise<{ scene: Scene; object: KubeObject }>,
): Promise<Fields> {
  const dryRun = validateOnly === true;
  const readChecked = async () => {
    const found = await read();
    checkVersion(found.object, etag, 'etag');
    return found;
  };
  return readAndWrite(readChecked, async ({ scene, object }) => {
    const { name, resourceVersion } = object.metadata;
    await scene.resources.delete(type, name, { dryRun, ...(etag ? { resourceVersion } : {}) });
    return dryRun ? validated(conversion, object, scene) : begun(conversion, 'delete', object, scene);
  });
}

/** What is to be updated; undefined where there is none and `optional`. */
async function toUpdate(
  resources: Resources,
  type: ResourceType,
  name: string,
  optional: boolean,
): Promise<KubeObject | undefined> {
  const { namespace } = resources;
  try {
    return await asAction({ action: 'update', type, namespace, name }, () => resources.get(type, name));
  } catch (error) {
    if (optional && error instanceof ApiError && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
}

function checkComplete({ message }: Conversion, fields: Fields, path: string): void {
  const missing = missingFields(message, fields, path).filter(({ field }) => field !== `${path}.name`);
  if (missing.length > 0) throw invalidFields(missing);
}

/** @throws {ApiError} INVALID_ARGUMENT for a value that cannot be stored. */
function written(
  conversion: Conversion,
  path: string,
  given: Fields,
  previous: KubeObject,
  { place }: Scene,
) {
  try {
    return toResource(conversion, given, previous, place);
  } catch (error) {
    if (!(error instanceof FieldValueError)) throw error;
    throw invalidFields([{ field: `${path}.${error.field}`, description: error.problem }]);
  }
}
