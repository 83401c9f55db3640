import { projectId } from '../../apis/identity.ts';
import type { ApiContext, ApiPart } from '../context.ts';
import { namespaceOf } from '../projects.ts';
import type { Person } from '../resources/resources.ts';
import { isGcloud, type ListEntriesAnswer, type ListEntriesRequest, listLogEntries } from './entries.ts';
import { Turns } from './turns.ts';

/** Searches of a process. Each may hold some tens of MB, and end after 15 s only; clients of Google's wait for a minute. */
const SEARCHES = { running: 4, waiting: 32, waitMs: 30_000 };
const TURNS = new Turns(SEARCHES);

/** Entries of logs over REST (Cloud Logging API v2, entries.list). */
export const LOGS: ApiPart = {
  routes(app, context) {
    app.post('/v2/entries::list', ({ body, headers, person, signal }) =>
      logEntries(context, {
        person,
        signal,
        request: (body ?? {}) as object,
        isGcloud: isGcloud(headers['user-agent']),
      }),
    );
  },
};

/** A request for entries, over REST or gRPC. */
export interface LogRequest {
  person: Person;
  signal: AbortSignal;
  request: ListEntriesRequest;
  isGcloud?: boolean;
}

/**
 * Entries of logs, as the person who asks for them; a few searches run at a time.
 * @throws {ApiError} as {@link listLogEntries}; RESOURCE_EXHAUSTED where too many wait.
 */
export function logEntries(
  context: ApiContext,
  { person, signal, request, isGcloud = false }: LogRequest,
): Promise<ListEntriesAnswer> {
  const { metadata } = context.config;
  const scopeOf = (project: string) => {
    const namespace = namespaceOf(project, context.config);
    return { namespace, projectId: projectId(metadata.projectId, namespace), location: metadata.region };
  };
  return TURNS.run(signal, () =>
    listLogEntries({ client: context.clientOf(person), scopeOf, signal, isGcloud }, request),
  );
}
