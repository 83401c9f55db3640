import { formatted } from '../../apis/fieldError.ts';
import { LOCATION } from '../../apis/labels.ts';
import { JOBS } from '../../apis/run/job/types.ts';
import type { KubeObject, ResourceType } from '../../kube/types.ts';
import { type FieldViolation, invalidFields } from '../errors.ts';
import { versionOf } from '../resources/version.ts';
import { withTexts } from './texts.ts';

type Json = Record<string, unknown>;

/** Where an object is, in the client's words. */
export interface Place {
  project: string;
  region: string;
}

/**
 * An object as the API v1 shows it (Cloud Run Admin API v1). The cluster's form is the same but for the version, for what is a
 * text there ({@link withTexts}), and for what only a Google project has: the label of the region, which gcloud shows in
 * every list, and the project as the namespace. There is always a status: gcloud and Skaffold read it without asking. Pure.
 */
export function viewOf<T extends KubeObject>(object: T, { project, region }: Place): T {
  const { apiVersion, kind, metadata, status = {}, ...rest } = withTexts(object) as T & { status?: unknown };
  const shown = {
    apiVersion,
    kind,
    metadata: {
      ...metadata,
      namespace: project,
      resourceVersion: versionOf(object),
      labels: { [LOCATION]: region, ...metadata.labels },
    },
    ...rest,
    status,
  } as unknown as T;
  return kind === JOBS.kind ? withTemplateMetadata(shown) : shown;
}

/** gcloud takes a job without `spec.template.metadata` for a template of its own and fails. */
function withTemplateMetadata<T extends KubeObject>(job: T): T {
  const { spec } = job as T & { spec: { template: Json } };
  return { ...job, spec: { ...spec, template: { metadata: {}, ...spec.template } } };
}

/** The list of a kind. `metadata` is always there: gcloud reads `continue` of it without asking. */
export function listOf(
  { apiVersion, kind }: ResourceType,
  items: readonly object[],
  next: string | undefined,
): object {
  return {
    apiVersion,
    kind: `${kind}List`,
    metadata: next === undefined ? {} : { continue: next },
    items,
    unreachable: [],
  };
}

/**
 * The object that a client has written, without what is the server's: its status, and the label that {@link viewOf} adds.
 * @param name the name in the path, where it has one.
 * @throws {ApiError} INVALID_ARGUMENT naming each field that contradicts the path.
 */
export function writtenOf(
  body: unknown,
  type: ResourceType,
  { project, region, name }: Place & { name?: string },
): KubeObject {
  if (!isMap(body)) throw invalidFields([{ field: '', description: 'the body must be an object' }]);
  const { status: _, metadata, ...rest } = body;
  if (!isMap(metadata)) throw invalidFields([violation('metadata', metadata, 'an object')]);
  const { labels, namespace, ...others } = metadata;
  const { [LOCATION]: location, ...ownLabels } = isMap(labels) ? labels : {};
  const wanted: [string, unknown, string | undefined][] = [
    ['apiVersion', body.apiVersion, type.apiVersion],
    ['kind', body.kind, type.kind],
    ['metadata.name', metadata.name ?? undefined, name],
    ['metadata.namespace', namespace ?? project, project],
    [`metadata.labels[${LOCATION}]`, location ?? region, region],
  ];
  const wrong = wanted
    .filter(([, value, allowed]) => allowed !== undefined && value !== allowed)
    .map(([field, value, allowed]) => violation(field, value, `${allowed}`));
  if (wrong.length > 0) throw invalidFields(wrong);
  const kept = isMap(labels) ? ownLabels : labels;
  return { ...rest, metadata: { ...others, ...(kept === undefined ? {} : { labels: kept }) } } as KubeObject;
}

function violation(field: string, value: unknown, allowed: string): FieldViolation {
  return { field, description: `is ${formatted(value)}; it must be ${allowed}` };
}

function isMap(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
