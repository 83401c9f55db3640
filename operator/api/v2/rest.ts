import { formatted } from '../../apis/fieldError.ts';
import { ApiError, invalidFields } from '../errors.ts';
import type { Call } from './call.ts';
import type { Fields } from './conversion/value.ts';
import { METHODS, type Method } from './methods.ts';
import type { HttpBinding } from './registry.ts';
import { canonical } from './shape.ts';

/** A request over REST. */
export interface RestRequest {
  method: string;
  /** Without the query, as it was sent. */
  path: string;
  query: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** A JSON value; undefined without a body. */
  body: unknown;
}

interface Route {
  method: Method;
  binding: HttpBinding;
  pattern: RegExp;
  /** The field that the path's variable is, `service.name`. */
  variable: string;
}

/** Parameters that every method of Google's APIs has (google.api.SystemParameters); they change nothing here. */
const SYSTEM_PARAMETERS = new Set([
  ...['alt', 'key', 'fields', 'prettyPrint', 'quotaUser', 'access_token', 'oauth_token', 'callback'],
  ...['uploadType', 'upload_protocol'],
]);

const ROUTES: readonly Route[] = METHODS.flatMap((method) =>
  method.bindings.map((binding) => ({ method, binding, ...compiled(binding.path) })),
);

/** A template of google.api.http with one variable: `/v2/{name=projects/*\/locations/*}:run`. */
function compiled(path: string): Pick<Route, 'pattern' | 'variable'> {
  const [, before = '', variable = '', inner = '', after = ''] =
    /^([^{]*)\{([^=]+)=([^}]+)\}(.*)$/.exec(path) ?? [];
  const quoted = (text: string) => text.replaceAll(/[.:]/g, '\\$&');
  const segments = inner.split('/').map((each) => (each === '*' ? '[^/:]+' : quoted(each)));
  const pattern = new RegExp(`^${quoted(before)}(${segments.join('/')})${quoted(after)}$`);
  return { pattern, variable };
}

/**
 * Answers a request over REST by the annotations google.api.http of the methods.
 * @throws {ApiError} NOT_FOUND where no method has such a path.
 */
export async function answerRest(rest: RestRequest, call: Omit<Call, 'request'>): Promise<Fields> {
  for (const route of ROUTES) {
    const match = route.binding.method === rest.method ? route.pattern.exec(rest.path) : null;
    if (!match) continue;
    const { descriptor, handler } = route.method;
    const request = canonical(descriptor.input, requestOf(route, decoded(match[1] ?? ''), rest));
    return handler({ ...call, request });
  }
  throw new ApiError('NOT_FOUND', 'Method not found.');
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch (cause) {
    throw new ApiError('INVALID_ARGUMENT', 'The path is not escaped correctly.', { cause });
  }
}

/** The request message: the body, then the query, and what the path names. */
function requestOf({ binding, variable }: Route, value: string, { body, query }: RestRequest): Fields {
  const request: Fields = {};
  if (binding.body === '*') Object.assign(request, objectOf(body));
  else if (binding.body) request[camel(binding.body)] = objectOf(body);
  for (const [name, given] of Object.entries(query)) {
    if (given === undefined || name.startsWith('$') || SYSTEM_PARAMETERS.has(name)) continue;
    setField(request, name, given);
  }
  setPathVariable(request, variable.split('.').map(camel), value);
  return request;
}

function objectOf(body: unknown): Fields {
  if (body === undefined) return {};
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Fields;
  throw invalidFields([{ field: '', description: 'the body must be an object' }]);
}

const camel = (name: string) => name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

function setField(request: Fields, name: string, given: string | readonly string[]): void {
  const keys = name.split('.').map(camel);
  const last = keys.pop() ?? '';
  let inner = request;
  for (const key of keys) {
    const next = inner[key] ?? {};
    if (typeof next !== 'object')
      throw invalidFields([{ field: name, description: 'there is no such field' }]);
    inner[key] = next;
    inner = next as Fields;
  }
  inner[last] = typeof given === 'string' ? plain(last, given) : given;
}

/** A parameter as JSON has it: protobuf's reader takes numbers as texts, and booleans not. */
function plain(key: string, text: string): unknown {
  if (key === 'updateMask') return text.split(',').map(camel).join(',');
  return text === 'true' ? true : text === 'false' ? false : text;
}

/** @throws {ApiError} INVALID_ARGUMENT when the body says another name than the path. */
function setPathVariable(request: Fields, keys: readonly string[], value: string): void {
  const [key = '', inner] = keys;
  if (inner === undefined) {
    request[key] = value;
    return;
  }
  const message = (request[key] ?? {}) as Fields;
  const given = message[inner];
  if (given !== undefined && given !== '' && given !== value) {
    const description = `is ${formatted(given)}; it must be ${formatted(value)}, as in the path`;
    throw invalidFields([{ field: keys.join('.'), description }]);
  }
  request[key] = { ...message, [inner]: value };
}
