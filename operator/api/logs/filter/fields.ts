import { formatted } from '../../../apis/fieldError.ts';
import { segmentsOf, type Token, wrongFilter } from './tokens.ts';

/** The fields of a LogEntry (LogEntry, REST resource), and those below them; any where that is up to the program. */
const FIELDS: Readonly<Record<string, readonly string[] | 'any' | undefined>> = {
  logName: undefined,
  resource: ['type', 'labels'],
  timestamp: undefined,
  receiveTimestamp: undefined,
  severity: undefined,
  insertId: undefined,
  httpRequest: [
    'requestMethod',
    'requestUrl',
    'requestSize',
    'status',
    'responseSize',
    'userAgent',
    'remoteIp',
    'serverIp',
    'referer',
    'latency',
    'cacheLookup',
    'cacheHit',
    'cacheValidatedWithOriginServer',
    'cacheFillBytes',
    'protocol',
  ],
  labels: 'any',
  operation: ['id', 'producer', 'first', 'last'],
  trace: undefined,
  spanId: undefined,
  traceSampled: undefined,
  sourceLocation: ['file', 'line', 'function'],
  textPayload: undefined,
  jsonPayload: 'any',
  protoPayload: 'any',
  split: ['uid', 'index', 'totalSplits'],
  errorGroups: 'any',
};

/**
 * The path of a field, in the spelling of the REST API; `http_request.request_url` is the same.
 * @throws {ApiError} INVALID_ARGUMENT for what is no field of a LogEntry.
 */
export function pathOf({ raw, at, kind }: Token): readonly string[] {
  const [first = '', ...rest] = kind === 'quoted' ? [raw] : segmentsOf(raw);
  const field = camelCase(first);
  if (!Object.hasOwn(FIELDS, field)) {
    throw wrongFilter(
      `names the field ${formatted(raw)} at character ${at + 1}; an entry has ${Object.keys(FIELDS).join(', ')}`,
    );
  }
  const below = FIELDS[field];
  if (rest.includes(''))
    throw wrongFilter(`has ${formatted(raw)} at character ${at + 1}: a part between its dots is empty`);
  if (below === 'any' || rest.length === 0) return [field, ...rest];
  const [second = '', ...deeper] = rest;
  const part = camelCase(second);
  if (!below?.includes(part) || (deeper.length > 0 && part !== 'labels')) {
    const has = below ? `has ${below.join(', ')}` : 'has no fields';
    throw wrongFilter(`names the field ${formatted(raw)} at character ${at + 1}; ${field} ${has}`);
  }
  return [field, part, ...deeper];
}

function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
