import { Type } from 'typebox';
import { ApiError, invalidFields } from '../errors.ts';
import type { Fields } from '../v2/conversion/value.ts';
import { lastWords, ofService } from './logs.ts';
import { callMethod, finished, optional, placeOf, shortName } from './methods.ts';
import type { Answer, Arguments, ToolCall } from './tool.ts';

/** What the list and the description of a service show (Cloud Run, MCP reference: ServiceListOutput, ServiceOutput). */
export const LISTED = ['name', 'createTime', 'updateTime', 'creator', 'lastModifier', 'uri'] as const;
export const DESCRIBED = [
  ...LISTED,
  'template',
  'terminalCondition',
  'latestReadyRevision',
  'traffic',
] as const;

/** What a container is given, whatever it runs. */
export const CONTAINER_FIELDS = {
  command: Type.Optional(Type.Array(Type.String(), { description: "Instead of the image's entrypoint." })),
  args: Type.Optional(Type.Array(Type.String(), { description: 'Arguments of the entrypoint.' })),
  env: Type.Optional(
    Type.Array(Type.Object({ name: Type.String(), value: Type.Optional(Type.String()) }), {
      description: 'Environment variables.',
    }),
  ),
  ports: Type.Optional(
    Type.Array(Type.Object({ containerPort: Type.Integer() }), {
      description: 'The port that takes requests; 8080 when left out.',
    }),
  ),
};

/** The project of a service that is deployed, by its full name or beside it. @throws {ApiError} INVALID_ARGUMENT */
export function projectOf({ name, project: given }: Arguments): string {
  const [, project = given] = /^projects\/([^/]+)\//.exec(name) ?? [];
  if (project) return project;
  throw invalidFields([{ field: 'service.project', description: 'must be set' }]);
}

/** The full name of the service that a call is about. @throws {ApiError} INVALID_ARGUMENT when it names none. */
export function nameOf(given: Arguments, call: ToolCall): string {
  const name = given.name ?? given.service;
  if (name) return `${placeOf(given, call)}/services/${shortName(name)}`;
  throw invalidFields([{ field: 'name', description: 'must be set' }]);
}

/**
 * Writes a service, with what is given over what it has, and waits until it serves.
 * @throws {ApiError} FAILED_PRECONDITION with the last words of its container where it does not.
 */
export async function deploy(given: Arguments, call: ToolCall): Promise<Answer> {
  const project = projectOf(given);
  const name = nameOf({ ...given, project }, call);
  const current = await optional(() => callMethod(call, 'Services.GetService', { name }));
  const { invokerIamDisabled } = given;
  const begun = await callMethod(call, 'Services.UpdateService', {
    service: {
      name,
      template: { containers: merged(given.template.containers, current) },
      ...(invokerIamDisabled === undefined ? {} : { invokerIamDisabled }),
    },
    updateMask: `template.containers${invokerIamDisabled === undefined ? '' : ',invokerIamDisabled'}`,
    allowMissing: true,
  });
  const operation = await finished(begun, call, progressOf);
  const service = (operation.metadata ?? {}) as Fields;
  if (operation.error) throw await failure(operation.error as Fields, service, project, call);
  if (operation.done !== true) return { message: `${progressOf(service)} Call get_service to see more.` };
  return shown(service, DESCRIBED);
}

/**
 * What is given of each container over what it has: the one of the same name, or in the same place. What is given as
 * undefined does not stay.
 */
function merged(given: readonly Fields[], current: Fields | undefined): Fields[] {
  const { containers = [] } = (current?.template ?? {}) as { containers?: Fields[] };
  return given.map((container, i) => {
    const named = containers.find(({ name }) => name !== undefined && name === container.name);
    const all = { ...(named ?? containers[i]), ...container };
    return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
  });
}

function progressOf({ name, terminalCondition }: Fields): string {
  const { message } = (terminalCondition ?? {}) as { message?: string };
  return `Service ${shortName(name)} is being deployed${message ? `: ${message}` : '.'}`;
}

async function failure(
  error: Fields,
  { name, latestCreatedRevision }: Fields,
  project: string,
  call: ToolCall,
): Promise<ApiError> {
  const service = shortName(name);
  const words = await lastWords(call, project, ofService(service, shortName(latestCreatedRevision)));
  const message = `Service ${service} was written, but its new revision does not serve: ${error.message}${words}`;
  return new ApiError('FAILED_PRECONDITION', message);
}

/** Some fields of a resource, those that are set. */
export function shown(resource: Fields, keys: readonly string[]): Fields {
  return Object.fromEntries(
    keys.flatMap((key) => (resource[key] === undefined ? [] : [[key, resource[key]]])),
  );
}
