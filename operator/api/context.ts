import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { KubeClient } from '../kube/client.ts';
import type { Projects } from '../metadata/projects.ts';
import type { RoleConfig } from '../roles.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Authentication } from './authentication/authentication.ts';
import type { Person, Resources } from './resources/resources.ts';
import type { ObjectStore } from './storage/store.ts';
import type { ServedKind } from './v1/kinds.ts';

/** Takes a warning of the cluster's, as the value of a header `Warning`. */
export type Warn = (warning: string) => void;

/** What all parts of the Admin API share. */
export interface ApiContext {
  config: RoleConfig<'api'>;
  /** Acts as Homerun itself, with the rights of its role alone. */
  client: KubeClient;
  authentication: Pick<Authentication, 'personOf'>;
  /** A client that acts as a person, for what {@link Resources} has no verb for. */
  clientOf(person: Person, warn?: Warn): KubeClient;
  /**
   * What a person does in a project.
   * @param warn what the cluster warns of when it is asked.
   * @throws {ApiError} INVALID_ARGUMENT for what is no project, PERMISSION_DENIED for one that is not served.
   */
  resourcesOf(person: Person, project: string, warn?: Warn): Resources;
  /** The project of a namespace, for its number. */
  projects: Pick<Projects, 'of'>;
  /** Verbs of v1 of all parts, by name. */
  verbs: Readonly<Record<string, Verb>>;
  /** Where sources are kept; undefined where the chart keeps none. */
  objects?: ObjectStore;
  log: Logger;
  now: () => number;
}

/** A request for a verb on one object, such as `services/NAME:getIamPolicy`. */
export interface VerbCall {
  context: ApiContext;
  resources: Resources;
  kind: ServedKind;
  /** As the client named it. */
  project: string;
  name: string;
  request: FastifyRequest;
}

/** What a verb does; the answer is sent as JSON. */
export interface Verb {
  method: 'GET' | 'POST';
  /** Names of the kinds in the plural that have it. */
  on: readonly string[];
  act(call: VerbCall): Promise<object>;
}

/** A part of the Admin API over REST. */
export interface ApiPart {
  /** Routes of its own. The person who asks is `request.person`; errors are thrown as ApiError. */
  routes?(app: FastifyInstance, context: ApiContext): void;
  /** Verbs of v1 by name: `:getIamPolicy`, `:run`. */
  verbs?: Readonly<Record<string, Verb>>;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whether the route asks itself whose the token is, because it is for no person. */
    ownTokens?: boolean;
  }
  interface FastifyRequest {
    /** Who asks; set before any route runs. */
    person: Person;
  }
}
