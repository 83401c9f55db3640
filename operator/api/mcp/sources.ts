import { randomUUID } from 'node:crypto';
import { createGzip } from 'node:zlib';
import { pack } from 'tar-stream';
import { Type } from 'typebox';
import { placed } from '../../source/entry.ts';
import { SourceError } from '../../source/errors.ts';
import { invalidFields } from '../errors.ts';
import { authorize, findArchive, storeOf } from '../storage/access.ts';
import { bucketOf } from '../storage/buckets.ts';
import type { StoredObject } from '../storage/store.ts';
import type { Fields } from '../v2/conversion/value.ts';
import { PROJECT, REGION } from './arguments.ts';
import { CONTAINER_FIELDS, deploy, projectOf } from './deploy.ts';
import { shortName } from './methods.ts';
import type { Arguments, Tool, ToolCall } from './tool.ts';

const NO_BUILD =
  'Nothing is built: what it needs to run must be in it. It starts in /workspace with `command`.';
const BASE_IMAGE = Type.String({
  minLength: 1,
  description: "The image that it runs on: a name of the cluster's, such as nodejs24, or an image in full.",
});

const ARCHIVE = Type.Object({
  cloudStorageSource: Type.Object({
    bucket: Type.String({ minLength: 1 }),
    object: Type.String({ minLength: 1 }),
    generation: Type.Optional(Type.String({ description: 'The newest one when left out.' })),
  }),
});
const CONTENTS = Type.Object({
  inlinedSource: Type.Object({
    sources: Type.Array(
      Type.Object({
        filename: Type.String({ minLength: 1, description: 'The path below /workspace.' }),
        content: Type.String(),
      }),
      { minItems: 1 },
    ),
  }),
});

function input(sourceCode: typeof ARCHIVE | typeof CONTENTS) {
  const container = Type.Object({ ...CONTAINER_FIELDS, sourceCode, baseImageUri: BASE_IMAGE });
  return Type.Object({
    service: Type.Object({
      name: Type.String({ minLength: 1, description: 'The short name of the service.' }),
      project: Type.Optional(PROJECT),
      region: REGION,
      template: Type.Object({ containers: Type.Array(container, { minItems: 1, maxItems: 1 }) }),
      invokerIamDisabled: Type.Optional(Type.Boolean({ description: 'true makes the service public.' })),
    }),
  });
}

/** The tools of Cloud Run's own server that deploy a source without a build (Cloud Run, MCP reference). */
export const SOURCE_TOOLS: readonly Tool[] = [
  {
    name: 'deploy_service_from_archive',
    description: `Deploys a .tar.gz or .zip that was uploaded to the project's bucket as a Cloud Run service. ${NO_BUILD}`,
    input: input(ARCHIVE),
    reads: false,
    act: async ({ service }, call) => deploySource(service, await archiveOf(service, call), call),
  },
  {
    name: 'deploy_service_from_file_contents',
    description: `Deploys files, given with their contents, as a Cloud Run service. ${NO_BUILD}`,
    input: input(CONTENTS),
    reads: false,
    act: async ({ service }, call) => deploySource(service, await uploaded(service, call), call),
  },
];

function deploySource(service: Arguments, { bucket, name, generation }: StoredObject, call: ToolCall) {
  const [container] = service.template.containers as Fields[];
  const sourceCode = { cloudStorageSource: { bucket, object: name, generation } };
  // What gcloud writes: the base image takes its place.
  const containers = [{ ...container, sourceCode, image: 'scratch' }];
  return deploy({ ...service, template: { containers } }, call);
}

function archiveOf(service: Arguments, { context, person }: ToolCall): Promise<StoredObject> {
  const { bucket, object, generation } = service.template.containers[0].sourceCode.cloudStorageSource;
  return findArchive(context, person, { bucket, name: object, ...(generation ? { generation } : {}) });
}

async function uploaded(service: Arguments, call: ToolCall): Promise<StoredObject> {
  const { context, person } = call;
  const store = storeOf(context);
  const bucket = bucketOf(projectOf(service), context.config);
  await authorize(context, person, bucket, 'storage.objects.create');
  const { sources } = service.template.containers[0].sourceCode.inlinedSource as { sources: File[] };
  checkNames(sources);
  const stamp = new Date(context.now()).toISOString();
  const name = `services/${shortName(service.name)}/${stamp}-${randomUUID()}.tar.gz`;
  return store.put({ bucket, name, contentType: 'application/gzip' }, archive(sources));
}

interface File {
  filename: string;
  content: string;
}

/** By the rules of the archive that they become, before anything is written. */
function checkNames(files: readonly File[]): void {
  const violations = files.flatMap(({ filename }, index) => {
    const field = `service.template.containers[0].sourceCode.inlinedSource.sources[${index}].filename`;
    try {
      placed({ name: filename, kind: 'file', size: 0, executable: false, content: async function* () {} });
      return [];
    } catch (error) {
      if (error instanceof SourceError) return [{ field, description: error.message }];
      throw error;
    }
  });
  if (violations.length > 0) throw invalidFields(violations);
}

function archive(files: readonly File[]): AsyncIterable<Uint8Array> {
  const tar = pack();
  for (const { filename, content } of files) {
    // Scripts are programs: there is no other word for it in the arguments.
    tar.entry({ name: filename, mode: content.startsWith('#!') ? 0o755 : 0o644 }, content);
  }
  tar.finalize();
  const gzip = createGzip();
  tar.on('error', (error) => gzip.destroy(error));
  tar.pipe(gzip as never);
  return gzip;
}
