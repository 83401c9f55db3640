import { formatted } from '../../apis/fieldError.ts';
import type { SourceObject } from '../../apis/sourceUrl.ts';
import { artifactOf } from '../../registry/artifactRegistry.ts';
import { type FieldViolation, invalidFields } from '../errors.ts';
import { namespaceOf } from '../projects.ts';
import { type BucketConfig, namespaceOfBucket } from '../storage/buckets.ts';

/** What is to be built; it is kept with the build. */
export interface BuildRequest {
  source: SourceObject;
  /** `REGION-docker.pkg.dev/PROJECT/REPOSITORY/NAME[:TAG]`. */
  image: string;
  /** With Cloud Native Buildpacks, in this environment; from the Dockerfile when left out. */
  variables?: Readonly<Record<string, string>>;
  tags: readonly string[];
}

/** Where a request is made. */
export interface BuildPlace {
  namespace: string;
  /** The bucket with the sources of its project. */
  bucket: string;
  config: BucketConfig;
}

type Json = Readonly<Record<string, unknown>>;

/** What of a request has no meaning here, and what has instead. */
const UNSUPPORTED: Readonly<Record<string, string>> = {
  workerPool: 'has no meaning here: builds run in the namespace of the project',
  serviceAccount: 'has no meaning here: builds have no identity',
  machineType: 'has no meaning here: the chart value build.resources says what a build may use',
  'buildpackBuild.enableAutomaticUpdates': 'has no meaning for an image that is built',
  'buildpackBuild.projectDescriptor':
    'is not supported: buildpacks get their variables with --build-env-vars',
  'buildpackBuild.cacheImageUri':
    'has no meaning here: the chart value build.cache says whether layers are kept',
  'buildpackBuild.runtime': 'is not supported: the builder finds out what a source needs',
};

/** What gcloud says where nobody has named a base image: the builder's own, whichever that is. */
const DEFAULT_BASE_IMAGE = 'gcr.io/buildpacks/google-22/run';

const LIMITS = { tags: 64, variables: 100, variableBytes: 32 << 10 } as const;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_.-]{0,127}$/;

/**
 * Reads a request to build (Cloud Run Admin API v2, SubmitBuildRequest in JSON form).
 * @throws {ApiError} INVALID_ARGUMENT that names the fields.
 */
export function readSubmission(request: Json, place: BuildPlace): BuildRequest {
  const { storageSource, imageUri, buildpackBuild, dockerBuild, tags = [] } = request;
  const buildpacks = buildpackBuild as Json | undefined;
  const variables = buildpacks && variablesOf(buildpacks);
  const violations = [
    ...(buildpacks || dockerBuild ? [] : [{ field: 'buildType', description: 'must be set' }]),
    ...unsupported(request),
    ...wrongBaseImage(buildpacks?.baseImage),
    ...wrongSource((storageSource ?? {}) as Json, place),
    ...wrongImage(imageUri, 'imageUri', place),
    ...wrongTags(tags),
    ...wrongVariables(variables ?? {}),
  ];
  if (violations.length > 0) throw invalidFields(violations);
  return {
    source: sourceOf((storageSource ?? {}) as Json),
    image: imageUri as string,
    ...(variables ? { variables } : {}),
    tags: tags as string[],
  };
}

function sourceOf({ bucket, object, generation }: Json): SourceObject {
  const name = { bucket: String(bucket), name: String(object) };
  return generation === undefined ? name : { ...name, generation: String(generation) };
}

function variablesOf({ environmentVariables = {}, functionTarget }: Json): Record<string, string> {
  const target: Record<string, string> = functionTarget
    ? { GOOGLE_FUNCTION_TARGET: String(functionTarget) }
    : {};
  return { ...(environmentVariables as Record<string, string>), ...target };
}

function unsupported(request: Json): FieldViolation[] {
  return Object.entries(UNSUPPORTED).flatMap(([field, description]) => {
    const value = field.split('.').reduce<unknown>((at, key) => (at as Json | undefined)?.[key], request);
    return value ? [{ field, description }] : [];
  });
}

function wrongBaseImage(image: unknown): FieldViolation[] {
  if (!image || image === DEFAULT_BASE_IMAGE) return [];
  const description =
    'has no meaning in a build: deploy with --no-build to run a source on a base image, or with --clear-base-image';
  return [{ field: 'buildpackBuild.baseImage', description }];
}

/** A build gets the sources of its own project only, whoever asks. */
function wrongSource({ bucket, object }: Json, place: BuildPlace): FieldViolation[] {
  if (!object) return [{ field: 'storageSource.object', description: 'must be set' }];
  if (isOwn(() => namespaceOfBucket(String(bucket), place.config), place)) return [];
  const description = `is ${formatted(bucket)}; it must be ${place.bucket}, which has the sources of the project`;
  return [{ field: 'storageSource.bucket', description }];
}

/** The image belongs to the project of the build: another's would be replaced. */
function wrongImage(image: unknown, field: string, place: BuildPlace): FieldViolation[] {
  const { config } = place;
  const { region } = config.metadata;
  const artifact = artifactOf(String(image ?? ''), region);
  if (artifact && !String(image).includes('@') && isOwn(() => namespaceOf(artifact.project, config), place)) {
    return [];
  }
  const form = `${region}-docker.pkg.dev/PROJECT/REPOSITORY/NAME[:TAG] of the project itself`;
  return [{ field, description: `is ${formatted(image)}; it must be ${form}` }];
}

function isOwn(namespace: () => string, place: BuildPlace): boolean {
  try {
    return namespace() === place.namespace;
  } catch {
    return false;
  }
}

function wrongTags(tags: unknown): FieldViolation[] {
  if (!Array.isArray(tags) || tags.length > LIMITS.tags) {
    return [{ field: 'tags', description: `must be a list of at most ${LIMITS.tags}` }];
  }
  return tags.flatMap((tag, i) =>
    typeof tag === 'string' && TAG.test(tag)
      ? []
      : [{ field: `tags[${i}]`, description: `is ${formatted(tag)}; it must match ${TAG.source}` }],
  );
}

function wrongVariables(variables: Readonly<Record<string, string>>): FieldViolation[] {
  const field = 'buildpackBuild.environmentVariables';
  const names = Object.keys(variables);
  const bytes = Buffer.byteLength(JSON.stringify(variables));
  if (names.length > LIMITS.variables || bytes > LIMITS.variableBytes) {
    const description = `must be at most ${LIMITS.variables} variables with ${LIMITS.variableBytes >> 10} KiB together`;
    return [{ field, description }];
  }
  return names
    .filter((name) => !VARIABLE.test(name))
    .map((name) => ({ field, description: `has ${formatted(name)}; a name must match ${VARIABLE.source}` }));
}
