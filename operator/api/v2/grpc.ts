import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { type DescMessage, fromJson, toJson } from '@bufbuild/protobuf';
import {
  type Code,
  ConnectError,
  type ConnectRouter,
  createContextKey,
  createContextValues,
  type HandlerContext,
} from '@connectrpc/connect';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import type { ApiContext } from '../context.ts';
import { ApiError } from '../errors.ts';
import { warningsIn } from '../server/warnings.ts';
import type { Fields } from './conversion/value.ts';
import { METHODS, type Method } from './methods.ts';
import { messageOf, REGISTRY } from './registry.ts';

const OPTIONS = { registry: REGISTRY } as const;

/** Bytes of the longest message, as of a body over REST. */
const MAX_MESSAGE = 2 << 20;

/** The host that a call asks. */
const HOST = createContextKey<string | undefined>(undefined);

/** Answers calls of gRPC over HTTP/2, each as the person whose token it carries. */
export function grpcHandler(
  context: ApiContext,
): (request: Http2ServerRequest, response: Http2ServerResponse) => void {
  const serve = connectNodeAdapter({
    grpc: true,
    grpcWeb: false,
    connect: false,
    readMaxBytes: MAX_MESSAGE,
    contextValues: ({ headers }) =>
      createContextValues().set(HOST, (headers[':authority'] as string | undefined) ?? headers.host),
    routes: (router) => {
      for (const method of METHODS) route(router, method, context);
    },
  });
  return (request, response) => {
    const addTrailers = response.addTrailers.bind(response);
    response.addTrailers = (trailers) => addTrailers(readable(trailers as Trailers));
    serve(request, response);
  };
}

type Trailers = Record<string, string | string[]>;

/**
 * Messages of errors in which only what must be is escaped: percent signs and what is not printable ASCII (gRPC over
 * HTTP2, Percent-Encoded). Connect escapes `:` and `/` too, which grpc-js does not undo.
 */
function readable(trailers: Trailers): Trailers {
  const message = trailers['grpc-message'];
  if (typeof message !== 'string') return trailers;
  const plain = message.replaceAll(/%[2-7][0-9A-F]/gi, (code) => {
    const character = decodeURIComponent(code);
    return character === '%' || character === '\x7f' ? code : character;
  });
  return { ...trailers, 'grpc-message': plain };
}

function route(router: ConnectRouter, { descriptor, handler }: Method, context: ApiContext): void {
  const act = async (message: unknown, { requestHeader, responseHeader, signal, values }: HandlerContext) => {
    try {
      const person = await context.authentication.personOf(requestHeader.get('authorization') ?? undefined);
      const request = requestOf(descriptor.input, message);
      const host = values.get(HOST);
      const warn = warningsIn(responseHeader);
      const answered = await handler({ context, person, host, signal, warn, request });
      return fromJson(descriptor.output, answered as never, { ...OPTIONS, ignoreUnknownFields: true });
    } catch (error) {
      throw failure(error, context);
    }
  };
  router.rpc(descriptor as never, act as never);
}

/** The request in JSON form. @throws {ApiError} INVALID_ARGUMENT for what has none, such as a mask in camel case. */
function requestOf(input: DescMessage, message: unknown): Fields {
  try {
    return toJson(input, message as never, OPTIONS) as Fields;
  } catch (cause) {
    throw new ApiError('INVALID_ARGUMENT', (cause as Error).message, { cause });
  }
}

/** The error with its details as messages (google.rpc.Status). */
function failure(error: unknown, { log }: ApiContext): ConnectError {
  if (!(error instanceof ApiError)) {
    log.error({ err: error }, 'a call failed');
    return failure(new ApiError('INTERNAL', 'Internal error encountered.', { cause: error }), {
      log,
    } as ApiContext);
  }
  const details = error.details.flatMap((detail) => {
    const { '@type': type = '', ...fields } = detail as { '@type'?: string };
    const name = type.replace('type.googleapis.com/', '');
    if (!REGISTRY.getMessage(name)) return [];
    const desc: DescMessage = messageOf(name);
    return [{ desc, value: fromJson(desc, fields as never, OPTIONS) as never }];
  });
  // The numbers of Connect's codes are those of gRPC.
  return new ConnectError(error.message, error.grpcCode as Code, undefined, details, error);
}
