import { ApiError } from '../errors.ts';
import type { Fields } from '../v2/conversion/value.ts';
import { METHODS } from '../v2/methods.ts';
import { canonical } from '../v2/shape.ts';
import type { Arguments, ToolCall } from './tool.ts';

/** How long a tool waits for what it has begun, and how often it says how far that is. */
const LONGEST_WAIT_MS = 10 * 60_000;
const REPORT_SECONDS = 2;

/**
 * Calls a method of the API v2 as the person.
 * @param name with its service, `Services.GetService`.
 * @param request in JSON form.
 * @throws {ApiError}
 */
export function callMethod(
  { context, person, host, signal }: ToolCall,
  name: string,
  request: Fields,
): Promise<Fields> {
  const method = METHODS.find(({ descriptor }) => `${descriptor.parent.name}.${descriptor.name}` === name);
  if (!method) throw new Error(`there is no method ${name}`);
  const { descriptor, handler } = method;
  return handler({ context, person, host, signal, request: canonical(descriptor.input, request) });
}

/** `projects/PROJECT/locations/REGION` of a tool's arguments; the region is the cluster's where they name none. */
export function placeOf({ project, region }: Arguments, { context }: ToolCall): string {
  return `projects/${project}/locations/${region || context.config.metadata.region}`;
}

/** The last part of a name. */
export function shortName(name: unknown): string {
  return String(name ?? '').replace(/^.*\//, '');
}

/** @returns undefined for what is not there. */
export async function optional<T>(act: () => Promise<T>): Promise<T | undefined> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof ApiError && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
}

/**
 * Waits until an operation is done, and reports meanwhile.
 * @param report says how far it is, of the resource that it is about.
 * @returns the operation as it is then, or after the longest time.
 */
export async function finished(
  operation: Fields,
  call: ToolCall,
  report: (resource: Fields) => string,
): Promise<Fields> {
  const deadline = performance.now() + LONGEST_WAIT_MS;
  let now = operation;
  while (now.done !== true && performance.now() < deadline && !call.signal.aborted) {
    await call.progress(report((now.metadata ?? {}) as Fields));
    now = await callMethod(call, 'Operations.WaitOperation', {
      name: now.name,
      timeout: `${REPORT_SECONDS}s`,
    });
  }
  return now;
}
