import type { FastifyInstance } from 'fastify';
import { sourceUrl } from '../../apis/sourceUrl.ts';
import { SOURCE_AUDIENCE, SOURCES_PATH } from '../../source/contact.ts';
import { bearerToken, unauthenticated } from '../authentication/authentication.ts';
import { podOfToken } from '../authentication/tokenReview.ts';
import type { ApiContext } from '../context.ts';
import { ApiError } from '../errors.ts';
import { storeOf } from './access.ts';
import { namespaceOfBucket } from './buckets.ts';

type Texts = Readonly<Record<string, string | undefined>>;

/**
 * Gives an archive to the instances of the project that it belongs to. They show a token of their service account that is
 * for this alone and bound to their pod: whose it is says the cluster, and it ends with the pod.
 */
export function sourcesOfInstances(app: FastifyInstance, context: ApiContext): void {
  app.get(`${SOURCES_PATH}/:bucket/:object`, { config: { ownTokens: true } }, async (request, reply) => {
    const store = storeOf(context);
    const { bucket = '', object: name = '' } = request.params as Texts;
    const { generation } = request.query as Texts;
    const token = bearerToken(request.headers.authorization);
    const pod = await podOfToken(context.client, token, SOURCE_AUDIENCE);
    if (!pod) throw unauthenticated('The token is not that of an instance, for its source.');
    const wanted = { bucket, name, ...(generation === undefined ? {} : { generation }) };
    const source = sourceUrl(wanted);
    if (namespaceOfBucket(bucket, context.config) !== pod.namespace) {
      throw new ApiError('PERMISSION_DENIED', `${source} belongs to another project.`);
    }
    const object = await store.get(wanted);
    if (!object) throw new ApiError('NOT_FOUND', `${source} does not exist.`);
    reply.header('content-type', 'application/octet-stream').header('content-length', object.size);
    return reply.send(store.read(object));
  });
}
