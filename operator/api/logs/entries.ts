import { at, formatted } from '../../apis/fieldError.ts';
import type { KubeClient } from '../../kube/client.ts';
import { isKubeError } from '../../kube/errors.ts';
import { permissionDenied } from '../authorization.ts';
import { invalidFields } from '../errors.ts';
import { withPermission } from '../resources/failure.ts';
import type { LogEntry } from './entry.ts';
import { compileFilter } from './filter/evaluate.ts';
import { narrow } from './filter/narrow.ts';
import { parseFilter } from './filter/parse.ts';
import { type Line, linesOf } from './lines.ts';
import { type Cursor, type Limits, readPage } from './page.ts';
import { BackwardReader, ForwardReader, type Reader, type Search } from './reader.ts';
import { findSources, type LogScope, type Source } from './sources.ts';
import { timeOfMs } from './time.ts';
import { cursorOf, tokenOf } from './token.ts';

/** google.logging.v2.ListLogEntriesRequest as JSON. */
export interface ListEntriesRequest {
  resourceNames?: unknown;
  projectIds?: unknown;
  filter?: unknown;
  orderBy?: unknown;
  pageSize?: unknown;
  pageToken?: unknown;
}

export interface ListEntriesAnswer {
  entries: LogEntry[];
  nextPageToken?: string;
}

export interface LogCall {
  /** Acts as the person who asks. */
  client: KubeClient;
  /** The namespace of a project. @throws {ApiError} for one that is none, or not served. */
  scopeOf(project: string): LogScope;
  signal: AbortSignal;
  /** Over REST alone: see {@link withText}. */
  isGcloud?: boolean;
  limits?: Partial<Limits>;
}

/** Whether a request is from gcloud, by its header User-Agent. */
export function isGcloud(userAgent: string | undefined): boolean {
  return userAgent?.includes(' gcloud/') ?? false;
}

const PERMISSION = 'logging.logEntries.list';
const MOST_ENTRIES = 1000;
const DEFAULT_ENTRIES = 50;
const FIELDS = ['resourceNames', 'projectIds', 'filter', 'orderBy', 'pageSize', 'pageToken'];
/** Bytes that the readers of one request may hold ready together, and each at least. */
const ROOM = 16 * 1024 * 1024;
const LEAST_ROOM = 32 * 1024;
const LIMITS: Omit<Limits, 'deadline' | 'entries'> = {
  answerBytes: 8 * 1024 * 1024,
  readBytes: 64 * 1024 * 1024,
  parallel: 8,
};
const LONGEST_MS = 15_000;

/**
 * Entries of the logs of a project's services, jobs and worker pools
 * (google.logging.v2.LoggingServiceV2.ListLogEntries), read from the pods as the person who asks. An answer may have few
 * entries or none and yet a token: then there was not the time to look at everything, and the next request goes on there.
 * @throws {ApiError} INVALID_ARGUMENT that names the field; PERMISSION_DENIED.
 */
export async function listLogEntries(call: LogCall, request: ListEntriesRequest): Promise<ListEntriesAnswer> {
  const { scope, filter, order, pageSize, identity, pageToken } = readRequest(call, request);
  const cursor = pageToken === '' ? undefined : cursorOf(pageToken, identity);
  const tree = parseFilter(filter);
  const test = await compileFilter(tree);
  const narrowing = narrow(tree);
  return withPermission(PERMISSION, `projects/${scope.projectId}`, async () => {
    const found = await findSources(call.client, scope, narrowing);
    const sources = found.filter(({ origin }) => test(origin) !== false);
    const meter = { bytes: 0 };
    const read = readerOf(call, meter, cursor === undefined);
    const room = Math.max(LEAST_ROOM, Math.floor(ROOM / Math.max(sources.length, 1)));
    const search: Search = { test, read, room, meter, from: narrowing.from, to: narrowing.to };
    const readers = sources.map((source) => makeReader(source, search, order, cursor));
    const limits = { ...LIMITS, entries: pageSize, deadline: performance.now() + LONGEST_MS, ...call.limits };
    const { entries, next } = await readPage(readers, order, { cursor, limits, meter });
    const shown = call.isGcloud ? entries.map(withText) : entries;
    return { entries: shown, ...(next && { nextPageToken: tokenOf(next, identity) }) };
  });
}

/**
 * An entry with text too, where it has none: `gcloud run services logs read` (528) shows nothing else, and fails on an entry
 * of a container's output without it.
 */
function withText(entry: LogEntry): LogEntry {
  if (entry.textPayload !== undefined) return entry;
  const { message } = entry.jsonPayload ?? {};
  return { ...entry, textPayload: typeof message === 'string' ? message : JSON.stringify(entry.jsonPayload) };
}

function makeReader(source: Source, search: Search, order: 'asc' | 'desc', cursor?: Cursor): Reader {
  return order === 'desc'
    ? new BackwardReader(source, search, cursor?.time)
    : new ForwardReader(source, search, cursor?.time);
}

/**
 * Reads lines; a log that cannot be read, as its node is away, is one line that says so, on the first page.
 */
function readerOf({ client, signal }: LogCall, meter: { bytes: number }, isFirst: boolean): Search['read'] {
  const failed = new Set<Source>();
  return async function* (source, query): AsyncGenerator<Line, void, undefined> {
    if (failed.has(source)) return;
    try {
      yield* linesOf(client, source, query, { meter, signal });
    } catch (error) {
      if (signal.aborted) throw error;
      if (isKubeError(error, 'KUBE_FORBIDDEN'))
        throw permissionDenied(PERMISSION, `pods/${source.pod}`, error, error.said);
      if (!isKubeError(error, 'KUBE_SERVER', 'KUBE_UNREACHABLE')) throw error;
      if (isFirst)
        yield { time: source.end ?? timeOfMs(Date.now()), text: unreadable(source, error.message) };
    }
  };
}

function unreadable({ pod, container }: Source, reason: string): string {
  const message = `The log of container ${container} of pod ${pod} cannot be read: ${reason}`;
  return JSON.stringify({ severity: 'WARNING', message });
}

interface ReadRequest {
  scope: LogScope;
  filter: string;
  order: 'asc' | 'desc';
  pageSize: number;
  pageToken: string;
  /** What must be the same from page to page. */
  identity: unknown;
}

function readRequest(call: LogCall, request: ListEntriesRequest): ReadRequest {
  const {
    resourceNames = [],
    projectIds = [],
    filter = '',
    orderBy = '',
    pageSize = 0,
    pageToken = '',
  } = request;
  for (const key of Object.keys(request))
    if (!FIELDS.includes(key)) throw wrong(key, `is not a field; those of it are ${FIELDS.join(', ')}`);
  if (typeof filter !== 'string') throw wrong('filter', `is ${formatted(filter)}; it must be text`);
  if (typeof pageToken !== 'string') throw wrong('pageToken', `is ${formatted(pageToken)}; it must be text`);
  const order = /^\s*(timestamp(\s+(asc|desc))?)?\s*$/.exec(String(orderBy));
  if (!order)
    throw wrong('orderBy', `is ${formatted(orderBy)}; it must be "timestamp asc" or "timestamp desc"`);
  const size = Number(pageSize);
  if (!Number.isInteger(size) || size < 0)
    throw wrong('pageSize', `is ${formatted(pageSize)}; it must be a whole number from 0 to ${MOST_ENTRIES}`);
  const project = projectOf(resourceNames, projectIds);
  return {
    scope: call.scopeOf(project),
    filter,
    order: order[3] === 'desc' ? 'desc' : 'asc',
    pageSize: Math.min(size || DEFAULT_ENTRIES, MOST_ENTRIES),
    pageToken,
    identity: { project, filter, order: order[3] ?? 'asc' },
  };
}

/** One project, or a view of its log buckets, which are all the same here. */
function projectOf(resourceNames: unknown, projectIds: unknown): string {
  const names = Array.isArray(resourceNames) ? resourceNames : [resourceNames];
  const ids = Array.isArray(projectIds) ? projectIds : [projectIds];
  const projects = new Set(ids.map(String));
  for (const [index, name] of names.entries()) {
    const id = /^projects\/([^/]+)(\/locations\/[^/]+\/buckets\/[^/]+\/views\/[^/]+)?$/.exec(
      String(name),
    )?.[1];
    if (!id) throw wrong(at('resourceNames', index), `is ${formatted(name)}; it must be projects/PROJECT`);
    projects.add(id);
  }
  const [project] = projects;
  if (project !== undefined && projects.size === 1) return project;
  throw wrong('resourceNames', `name ${projects.size} projects; they must name one`);
}

function wrong(field: string, description: string): Error {
  return invalidFields([{ field, description }]);
}
