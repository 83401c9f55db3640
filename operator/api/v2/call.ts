import type { DescMethod } from '@bufbuild/protobuf';
import type { ApiContext, Warn } from '../context.ts';
import { invalidFields } from '../errors.ts';
import type { Person, Resources } from '../resources/resources.ts';
import { checkRegion } from '../server/region.ts';
import type { Fields } from './conversion/value.ts';
import type { Name } from './names.ts';
import { missingFields } from './shape.ts';

/** A call of a method, over REST or gRPC. */
export interface Call {
  context: ApiContext;
  person: Person;
  /** The host that was asked, which names a region. */
  host: string | undefined;
  /** Ends with the client's connection or its deadline. */
  signal: AbortSignal;
  /** Passes on what the cluster warns of. */
  warn?: Warn;
  /** In JSON form, as shape.ts makes it canonical. */
  request: Fields;
}

/** Answers the calls of a method with a message in JSON form. @throws {ApiError} */
export type Handler = (call: Call) => Promise<Fields>;

/**
 * The handler behind the check of what a request must have. Fields of the resource itself are checked once it is known
 * which of them an update changes.
 */
export function checked({ input }: DescMethod, handler: Handler): Handler {
  return async (call) => {
    const missing = missingFields(input, call.request).filter(({ field }) => !field.includes('.'));
    if (missing.length > 0) throw invalidFields(missing);
    return handler(call);
  };
}

/** Where a call happens. */
export interface Scene {
  resources: Resources;
  /** `projects/PROJECT/locations/LOCATION`, with which the names in the answer begin. */
  place: string;
}

/**
 * The project of a name, as the person who asks.
 * @throws {ApiError} INVALID_ARGUMENT for another region than the cluster's.
 */
export function sceneOf({ context, person, host, warn }: Call, { project, location }: Name): Scene {
  checkRegion(host, location, context.config);
  const { region } = context.config.metadata;
  return {
    resources: context.resourcesOf(person, project, warn),
    place: `projects/${project}/locations/${region}`,
  };
}
