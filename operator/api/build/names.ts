import { BOOKKEEPING } from '../../apis/annotations/bookkeeping.ts';
import { BUILD_ID } from '../../apis/labels.ts';
import { ApiError } from '../errors.ts';

/** Labels and annotations of the Jobs that builds are. */
export const BUILD = {
  /** Label of the Job and of its pod: the build's id. */
  id: BUILD_ID,
  /** Annotation of the Job: what is built, as request.ts has it, in JSON. */
  request: BOOKKEEPING.buildRequest,
  /** Annotation of the Job: when the build was cancelled, RFC 3339. */
  cancelled: BOOKKEEPING.buildCancelled,
  /** Annotation of the pod: BuildKit's configuration file. */
  config: BOOKKEEPING.buildConfig,
  /** Annotations of the pod: the value of each variable of the environment, by its place. */
  variable: (index: number) => `${BOOKKEEPING.buildVariable}${index}`,
} as const;

/** The container that builds. */
export const BUILD_CONTAINER = 'build';

/** What is answered where the chart has builds turned off. */
export const NO_BUILDS =
  'This cluster builds no sources: install Homerun with build.enabled=true and build.registry, or push an image and deploy that.';

const ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Whether a text is the id of a build, which Cloud Build makes a UUID. */
export function isBuildId(text: string): boolean {
  return ID.test(text);
}

/** Name of the Job of a build. */
export function jobName(id: string): string {
  return `build-${id}`;
}

/** NOT_FOUND for a build of which there is nothing, or nothing any more. */
export function noBuild(id: string, cause?: unknown): ApiError {
  return new ApiError('NOT_FOUND', `Build '${id.slice(0, 100)}' does not exist.`, { cause });
}
