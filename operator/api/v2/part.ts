import type { ApiPart } from '../context.ts';
import { warningsOf } from '../server/warnings.ts';
import { answerRest, type RestRequest } from './rest.ts';

const METHODS = ['GET', 'POST', 'PATCH', 'DELETE'] as const;

/** The API v2 over REST. Its paths are those of the protos' annotations, which have verbs after a colon. */
export const V2: ApiPart = {
  routes(app, context) {
    app.route({
      method: [...METHODS],
      url: '/v2/*',
      handler: (request, reply) => {
        const gone = new AbortController();
        // Of an answer that was sent nobody needs to be told, and what aborting makes takes longer than the rest of this.
        reply.raw.once('close', () => reply.raw.writableFinished || gone.abort());
        const rest = {
          method: request.method,
          path: request.url.replace(/\?.*$/s, ''),
          query: request.query as RestRequest['query'],
          body: request.body,
        };
        const { person, host } = request;
        return answerRest(rest, { context, person, host, signal: gone.signal, warn: warningsOf(reply) });
      },
    });
  },
};
