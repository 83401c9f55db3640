import { EXECUTIONS } from '../../apis/run/execution/types.ts';
import { sleep } from '../../kube/clock.ts';
import type { KubeObject, ResourceType } from '../../kube/types.ts';
import { isMissingPermission } from '../authorization.ts';
import { ApiError } from '../errors.ts';
import type { Resources } from '../resources/resources.ts';
import { SERVED_KINDS, servedKind } from '../v1/kinds.ts';

/** What is being done to an object. */
export type OperationVerb = 'create' | 'update' | 'delete' | 'run';

/**
 * A long-running operation (google.longrunning). All that is known of it is in its name, and what became of it follows
 * from the object's generation and conditions: no state is kept, so each replica gives the same answer at any time.
 */
export interface OperationRef {
  verb: OperationVerb;
  type: ResourceType;
  name: string;
  uid: string;
  /** The generation that the operation has made. */
  generation: number;
}

export interface Operation {
  /** The last part of its name, see {@link operationId}. */
  id: string;
  ref: OperationRef;
  done: boolean;
  /** The object as it is now; undefined when it is gone. */
  object?: KubeObject;
  /** Why the object did not become ready. */
  failure?: string;
}

const VERBS: ReadonlySet<string> = new Set<OperationVerb>(['create', 'update', 'delete', 'run']);
/** A name, a UID and a number: more is no id of ours. */
const LONGEST_ID = 600;
const POLL_MS = 500;

/** The id of the operation that a write of an object has begun. @param object as the API server answered the write. */
export function operationId(verb: OperationVerb, type: ResourceType, { metadata }: KubeObject): string {
  const { name, uid = '', generation = 1 } = metadata;
  return Buffer.from(JSON.stringify([verb, type.plural, name, uid, generation])).toString('base64url');
}

/** The operation that an id names; undefined when it names none. */
export function parseOperationId(id: string): OperationRef | undefined {
  if (id.length > LONGEST_ID) return undefined;
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(id, 'base64url').toString());
  } catch {
    return undefined;
  }
  if (!Array.isArray(parts)) return undefined;
  const [verb, plural, name, uid, generation] = parts as unknown[];
  const kind = typeof plural === 'string' ? servedKind(plural) : undefined;
  if (!kind || typeof verb !== 'string' || !VERBS.has(verb)) return undefined;
  if (typeof name !== 'string' || typeof uid !== 'string' || !Number.isSafeInteger(generation))
    return undefined;
  return { verb: verb as OperationVerb, type: kind.type, name, uid, generation: generation as number };
}

interface WithStatus extends KubeObject {
  status?: {
    observedGeneration?: number;
    conditions?: { type: string; status: string; message?: string }[];
  };
}

/** What has become of an operation, given the object of its name; undefined when it is not known any more. Pure. */
export function operationOf(ref: OperationRef, found: KubeObject | undefined): Operation | undefined {
  const object = found?.metadata.uid === ref.uid ? (found as WithStatus) : undefined;
  const { verb, type, name, uid, generation } = ref;
  const id = operationId(verb, type, { ...type, metadata: { name, uid, generation } });
  if (verb === 'delete') return { id, ref, done: object === undefined, object };
  if (!object) return undefined;
  // A run is over when its execution is, the other operations when what was written is in effect.
  const wanted = type === EXECUTIONS ? 'Completed' : 'Ready';
  const { observedGeneration = 0, conditions = [] } = object.status ?? {};
  const condition = conditions.find((each) => each.type === wanted);
  const isFresh = observedGeneration >= generation;
  const done = isFresh && (condition?.status === 'True' || condition?.status === 'False');
  const failure =
    done && condition?.status === 'False' ? (condition.message ?? `${wanted} is False`) : undefined;
  return { id, ref, done, object, ...(failure === undefined ? {} : { failure }) };
}

/** @throws {ApiError} NOT_FOUND for an id that names no operation, or one whose object is gone. */
export async function getOperation(resources: Resources, id: string): Promise<Operation> {
  const ref = parseOperationId(id);
  const operation = ref && operationOf(ref, await existing(resources, ref));
  if (operation) return operation;
  throw new ApiError('NOT_FOUND', `Operation '${id}' does not exist.`);
}

/**
 * The operation once it is done, or as it is after `timeoutMs`.
 * @param signal ends the waiting, because nobody does any more.
 */
export async function waitForOperation(
  resources: Resources,
  id: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Operation> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const operation = await getOperation(resources, id);
    const left = deadline - performance.now();
    if (operation.done || left <= 0 || signal.aborted) return operation;
    await sleep(Math.min(POLL_MS, left), signal);
  }
}

/** The latest operation of each object of a project that a person may see. */
export async function listOperations(resources: Resources): Promise<Operation[]> {
  const kinds = SERVED_KINDS.filter(({ writes }) => writes.includes('create'));
  const lists = await Promise.all(
    kinds.map(async ({ type }) => {
      const items = await listed(resources, type);
      return items.flatMap((object) => latestOf(type, object) ?? []);
    }),
  );
  return lists.flat();
}

/** None of a kind that the person may not list: a role need not cover all kinds. */
async function listed(resources: Resources, type: ResourceType): Promise<KubeObject[]> {
  try {
    return (await resources.list(type)).items;
  } catch (error) {
    if (isMissingPermission(error)) return [];
    throw error;
  }
}

function latestOf(type: ResourceType, object: KubeObject): Operation | undefined {
  const { name, uid = '', generation = 1, deletionTimestamp } = object.metadata;
  const verb = deletionTimestamp ? 'delete' : generation > 1 ? 'update' : 'create';
  return operationOf({ verb, type, name, uid, generation }, object);
}

async function existing(resources: Resources, { type, name }: OperationRef): Promise<KubeObject | undefined> {
  try {
    return await resources.get(type, name);
  } catch (error) {
    if (error instanceof ApiError && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
}
