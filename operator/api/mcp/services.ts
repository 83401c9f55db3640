import { Type } from 'typebox';
import { namespaces } from '../beside/projects.ts';
import type { Fields } from '../v2/conversion/value.ts';
import { inProject, LIMIT, NAME, ofOneService, PROJECT, REGION } from './arguments.ts';
import { CONTAINER_FIELDS, DESCRIBED, deploy, LISTED, nameOf, shown } from './deploy.ts';
import { lines, ofService } from './logs.ts';
import { callMethod, placeOf, shortName } from './methods.ts';
import type { Answer, Arguments, Tool, ToolCall } from './tool.ts';

const PAGE = 1000;

const CONTAINER = Type.Object({
  image: Type.String({ minLength: 1, description: 'The container image, such as docker.io/library/nginx.' }),
  name: Type.Optional(Type.String({ description: 'Needed where there are several containers.' })),
  ...CONTAINER_FIELDS,
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
    act: ({ service }, call) => deployImage(service, call),
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
      deployImage({ project, region, name: service, template: { containers: [{ image: imageUrl }] } }, call),
  },
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

/** An image runs as it is: a source that the service had before does not stay. */
function deployImage(service: Arguments, call: ToolCall): Promise<Answer> {
  const containers = service.template.containers.map((container: Fields) => ({
    ...container,
    sourceCode: undefined,
    baseImageUri: undefined,
  }));
  return deploy({ ...service, template: { containers } }, call);
}
