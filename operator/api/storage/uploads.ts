import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { formatted } from '../../apis/fieldError.ts';
import type { ApiContext } from '../context.ts';
import { ApiError, invalidFields } from '../errors.ts';
import { parseJson } from '../server/json.ts';
import { authorize, storeOf } from './access.ts';
import { readRelated } from './multipart.ts';
import { readContentRange } from './ranges.ts';
import type { Session } from './store.ts';
import { objectView } from './view.ts';

type Texts = Readonly<Record<string, string | undefined>>;
type Body = AsyncIterable<Uint8Array>;

const LONGEST_METADATA = 64 << 10;
/** Bytes of a name (Cloud Storage, Object naming requirements). */
const LONGEST_NAME = 1024;
/** What a client is told to send the rest after (Cloud Storage JSON API, Resumable uploads). */
const RESUME_INCOMPLETE = 308;

/**
 * Uploads in one request, of the content alone or with its metadata, and in several (Cloud Storage JSON API, Uploads). gcloud
 * takes one request for up to 5 MiB. Their bodies are streams: no content type is parsed here.
 */
export function uploads(app: FastifyInstance, context: ApiContext): void {
  for (const prefix of ['/upload', '/resumable/upload']) {
    const url = `${prefix}/storage/v1/b/:bucket/o`;
    app.post(url, (request, reply) => begin(request, reply, context));
    app.put(url, (request, reply) => resume(request, reply, context));
  }
}

async function begin(request: FastifyRequest, reply: FastifyReply, context: ApiContext): Promise<unknown> {
  const store = storeOf(context);
  const { bucket, query, type } = await permitted(request, context);
  const body = bodyOf(request);
  switch (query.uploadType) {
    case 'media':
      return objectView(await store.put(session(bucket, query, { contentType: type }), body));
    case 'multipart': {
      const { metadata, contentType, content } = await readRelated(body, type);
      const described = { contentType, ...(parseJson(metadata) as object) };
      return objectView(await store.put(session(bucket, query, described), content));
    }
    case 'resumable': {
      const metadata = await small(body);
      const contentType = request.headers['x-upload-content-type'];
      const described = { contentType, ...(metadata.length > 0 ? (parseJson(metadata) as object) : {}) };
      const upload = await store.begin(session(bucket, query, described));
      reply.header('location', locationOf(request, bucket, upload));
      return reply.code(200).send();
    }
    default: {
      const description = `is ${formatted(query.uploadType)}; it must be media, multipart or resumable`;
      throw invalidFields([{ field: 'uploadType', description }]);
    }
  }
}

async function resume(request: FastifyRequest, reply: FastifyReply, context: ApiContext): Promise<unknown> {
  const store = storeOf(context);
  const { bucket, query } = await permitted(request, context);
  const { upload_id: upload = '' } = query;
  const known = await store.progress(upload);
  if (known?.bucket !== bucket) {
    throw new ApiError('NOT_FOUND', `Upload '${upload.slice(0, 100)}' does not exist: begin it again.`);
  }
  const length = request.headers['content-length'];
  const { from, total } = readContentRange(
    request.headers['content-range'],
    length === undefined ? undefined : Number(length),
  );
  // Without a content it is a question, and the end of an upload of which all has been sent.
  const asked = from === undefined && total !== known.received;
  if (!asked) {
    const chunk = {
      content: bodyOf(request),
      from: from ?? known.received,
      ...(total === undefined ? {} : { total }),
    };
    const object = await store.append(upload, chunk);
    if (object) return objectView(object);
  }
  const { received } = (await store.progress(upload)) ?? known;
  if (received > 0) reply.header('range', `bytes=0-${received - 1}`);
  return reply.code(RESUME_INCOMPLETE).send();
}

async function permitted(request: FastifyRequest, context: ApiContext) {
  const { params, person, headers } = request;
  const { bucket = '' } = params as Texts;
  await authorize(context, person, bucket, 'storage.objects.create');
  return { bucket, query: request.query as Texts, type: headers['content-type'] ?? '' };
}

function session(bucket: string, query: Texts, described: unknown): Session {
  const { name: given, contentType } = (described ?? {}) as { name?: unknown; contentType?: unknown };
  const name = query.name ?? given;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  const valid = typeof name === 'string' && name !== '' && !/[\0-\x1f\x7f]/.test(name);
  if (!valid || Buffer.byteLength(name) > LONGEST_NAME) {
    const description = `is ${formatted(name)}; it must have 1 to ${LONGEST_NAME} bytes and no control characters`;
    throw invalidFields([{ field: 'name', description }]);
  }
  return {
    bucket,
    name,
    contentType: typeof contentType === 'string' ? contentType : 'application/octet-stream',
  };
}

/** Where the parts of an upload are sent: the host that was asked. */
function locationOf({ protocol, host }: FastifyRequest, bucket: string, upload: string): string {
  const query = new URLSearchParams({ uploadType: 'resumable', upload_id: upload });
  return `${protocol}://${host}/upload/storage/v1/b/${bucket}/o?${query}`;
}

function bodyOf({ body, raw }: FastifyRequest): Body {
  // A request without a body has no content type that would have been asked for it.
  return (body ?? raw) as Body;
}

async function small(body: Body): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > LONGEST_METADATA)
      throw new ApiError('INVALID_ARGUMENT', 'The metadata of an object is too long.');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
