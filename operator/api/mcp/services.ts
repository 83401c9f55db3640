import { Type } from 'typebox';
import { namespaces } from '../beside/projects.ts';
import { ApiError, invalidFields } from '../errors.ts';
import type { Fields } from '../v2/conversion/value.ts';
import { inProject, LIMIT, NAME, ofOneService, PROJECT, REGION } from './arguments.ts';
import { lastWords, lines, ofService } from './logs.ts';
import { callMethod, finished, optional, placeOf, shortName } from './methods.ts';
import type { Answer, Arguments, Tool, ToolCall } from './tool.ts';

/** What the list and the description of a service show (Cloud Run, MCP reference: ServiceListOutput, ServiceOutput). */
const LISTED = ['name', 'createTime', 'updateTime', 'creator', 'lastModifier', 'uri'] as const;
const DESCRIBED = [...LISTED, 'template', 'terminalCondition', 'latestReadyRevision', 'traffic'] as const;
const PAGE = 1000;

const CONTAINER = Type.Object({
  image: Type.String({ minLength: 1, description: 'The container image, such as docker.io/library/nginx.' }),
  name: Type.Optional(Type.String({ description: 'Needed where there are several containers.' })),
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
});

const IMAGE_SERVICE = Type.Object({
  service: Type.Object({
    name: Type.String({ minLength: 1, description: 'The short name of the service.' }),
    project: Type.Optional(PROJECT),
    region: REGION,
    template: Type.Object({ containers: Type.Array(CONTAINER, { minItems: 1 }) }),
    invokerIamDisabled: Type.Optional(
      Type.Boolean({
        description:
          'true makes the service public. Otherwise a new service takes calls only from those who have the role Cloud Run Invoker.',
      }),
    ),
  }),
});

/** The tools of Cloud Run's own server, and of Google's local one, that are about services. */
export const SERVICE_TOOLS: readonly Tool[] = [
  {
    name: 'list_projects',
    description: 'Lists the projects (namespaces) that you may see.',
    input: Type.Object({}),
    reads: true,
    act: async (_given, { context, person }) => {
      const found = await namespaces(context, person);
      const projects = await Promise.all(found.map(({ metadata }) => context.projects.of(metadata.name)));
      return { projects: projects.map(({ id }) => ({ projectId: id })) };
    },
  },
  {
    name: 'list_services',
    description: 'Lists the Cloud Run services of a project.',
    input: inProject(),
    reads: true,
    act: list,
  },
  {
    name: 'get_service',
    description:
      'Describes a Cloud Run service: its URI, its template, and whether its deployment succeeded.',
    input: ofOneService(),
    reads: true,
    act: async (given, call) =>
      shown(await callMethod(call, 'Services.GetService', { name: nameOf(given, call) }), DESCRIBED),
  },
  {
    name: 'get_service_log',
    description: 'Reads the newest log lines of a Cloud Run service, errors included, oldest first.',
    input: ofOneService({ revision: NAME('revision'), limit: LIMIT }),
    reads: true,
    act: async (given, call) => {
      const filter = ofService(shortName(nameOf(given, call)), given.revision);
      return (await lines(call, given.project, filter, given.limit)).join('\n') || 'There are no log lines.';
    },
  },
  {
    name: 'deploy_service_from_image',
    description:
      'Deploys a container image as a Cloud Run service, a new one or one that is there, and waits until it serves. What is not given stays as it is.',
    input: IMAGE_SERVICE,
    reads: false,
    act: ({ service }, call) => deploy(service, call),
  },
  {
    name: 'deploy_container_image',
    description: 'Deploys a container image as a Cloud Run service: deploy_service_from_image in short.',
    input: inProject({
      service: Type.String({ minLength: 1, description: 'The short name of the service.' }),
      imageUrl: Type.String({ minLength: 1, description: 'The container image.' }),
    }),
    reads: false,
    act: ({ project, region, service, imageUrl }, call) =>
      deploy({ project, region, name: service, template: { containers: [{ image: imageUrl }] } }, call),
  },
  ...['deploy_service_from_archive', 'deploy_service_from_file_contents'].map(
    (name): Tool => ({
      name,
      description:
        'Not available on this cluster yet: deploy a container image with deploy_service_from_image.',
      input: Type.Object({ service: Type.Object({}) }),
      reads: false,
      act: async () => {
        const message =
          'Deployments of source code are not available on this cluster yet: push a container image and call deploy_service_from_image.';
        throw new ApiError('UNIMPLEMENTED', message);
      },
    }),
  ),
];

async function list(given: Arguments, call: ToolCall): Promise<Answer> {
  const services: Fields[] = [];
  let pageToken: unknown;
  do {
    const request = { parent: placeOf(given, call), pageSize: PAGE, ...(pageToken ? { pageToken } : {}) };
    const page = await callMethod(call, 'Services.ListServices', request);
    services.push(...((page.services ?? []) as Fields[]));
    pageToken = page.nextPageToken;
  } while (pageToken);
  return { project: given.project, services: services.map((service) => shown(service, LISTED)) };
}

/** The full name of the service that a call is about. @throws {ApiError} INVALID_ARGUMENT when it names none. */
function nameOf(given: Arguments, call: ToolCall): string {
  const name = given.name ?? given.service;
  if (name) return `${placeOf(given, call)}/services/${shortName(name)}`;
  throw invalidFields([{ field: 'name', description: 'must be set' }]);
}

async function deploy(given: Arguments, call: ToolCall): Promise<Answer> {
  const [, project = given.project] = /^projects\/([^/]+)\//.exec(given.name) ?? [];
  if (!project) throw invalidFields([{ field: 'service.project', description: 'must be set' }]);
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

/** What is given of each container over what it has: the one of the same name, or in the same place. */
function merged(given: readonly Fields[], current: Fields | undefined): Fields[] {
  const { containers = [] } = (current?.template ?? {}) as { containers?: Fields[] };
  return given.map((container, i) => {
    const named = containers.find(({ name }) => name !== undefined && name === container.name);
    return { ...(named ?? containers[i]), ...container };
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

function shown(resource: Fields, keys: readonly string[]): Fields {
  return Object.fromEntries(
    keys.flatMap((key) => (resource[key] === undefined ? [] : [[key, resource[key]]])),
  );
}
