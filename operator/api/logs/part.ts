import { projectId } from '../../apis/identity.ts';
import type { ApiPart } from '../context.ts';
import { namespaceOf } from '../projects.ts';
import { isGcloud, listLogEntries } from './entries.ts';
import { Turns } from './turns.ts';

/** Searches of a process. Each may hold some tens of MB, and end after 15 s only; clients of Google's wait for a minute. */
const SEARCHES = { running: 4, waiting: 32, waitMs: 30_000 };

/** Entries of logs (Cloud Logging API v2, entries.list). */
export const LOGS: ApiPart = {
  routes(app, context) {
    const { metadata } = context.config;
    const turns = new Turns(SEARCHES);
    app.post('/v2/entries::list', ({ body, headers, person, signal }) =>
      turns.run(signal, () =>
        listLogEntries(
          {
            client: context.clientOf(person),
            scopeOf(project) {
              const namespace = namespaceOf(project, context.config);
              return {
                namespace,
                projectId: projectId(metadata.projectId, namespace),
                location: metadata.region,
              };
            },
            signal,
            isGcloud: isGcloud(headers['user-agent']),
          },
          (body ?? {}) as object,
        ),
      ),
    );
  },
};
