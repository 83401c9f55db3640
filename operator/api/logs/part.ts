import { projectId } from '../../apis/identity.ts';
import type { ApiPart } from '../context.ts';
import { namespaceOf } from '../projects.ts';
import { isGcloud, listLogEntries } from './entries.ts';

/** Entries of logs (Cloud Logging API v2, entries.list). */
export const LOGS: ApiPart = {
  routes(app, context) {
    const { metadata } = context.config;
    app.post('/v2/entries::list', ({ body, headers, person, signal }) =>
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
    );
  },
};
