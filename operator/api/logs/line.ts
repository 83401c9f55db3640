import { createHash } from 'node:crypto';
import { type LogEntry, SEVERITIES, type Severity } from './entry.ts';
import type { Origin } from './filter/evaluate.ts';

type Json = Record<string, unknown>;

/** How deep a line of JSON may be nested; a deeper one is text. */
const DEEPEST = 64;
const PREFIX = 'logging.googleapis.com/';

/** Severities as logging libraries name them, by their first letters (Cloud Logging, Structured logging). */
const SEVERITY_NAMES: readonly (readonly [RegExp, Severity])[] = [
  [/^(d|debug|trace|fine|verbose)/i, 'DEBUG'],
  [/^(i|info)/i, 'INFO'],
  [/^(n|notice)/i, 'NOTICE'],
  [/^(w|warn)/i, 'WARNING'],
  [/^(emerg|panic)/i, 'EMERGENCY'],
  [/^(e|err|severe)/i, 'ERROR'],
  [/^(c|crit|fatal|f)/i, 'CRITICAL'],
  [/^(a|alert)/i, 'ALERT'],
];

/**
 * An entry of a line that a container wrote (Cloud Run, Logging; Cloud Logging, Structured logging): a JSON object becomes
 * `jsonPayload` and its special fields those of the entry, anything else `textPayload`. Its timestamp is the container
 * runtime's, by which logs are in order; a time that the program wrote stays in the payload.
 * @param time canonical, when the container runtime took the line.
 */
export function entryOf(line: string, time: string, origin: Origin, source: string): LogEntry {
  const entry: LogEntry = {
    ...origin,
    timestamp: time,
    receiveTimestamp: time,
    severity: 'DEFAULT',
    insertId: insertId(source, time, line),
  };
  const payload = jsonOf(line);
  if (payload) takeSpecialFields(entry, payload);
  else entry.textPayload = line;
  return entry;
}

/** The same whenever the line is read. */
function insertId(source: string, time: string, line: string): string {
  return createHash('sha1').update(`${source}\n${time}\n${line}`).digest('base64url').slice(0, 20);
}

function jsonOf(line: string): Json | undefined {
  if (!line.startsWith('{') || !line.trimEnd().endsWith('}')) return undefined;
  try {
    const value = JSON.parse(line) as Json;
    return isShallow(value, DEEPEST) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isShallow(value: unknown, left: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return left > 0 && Object.values(value).every((inner) => isShallow(inner, left - 1));
}

/** Moves what has a place of its own in an entry there; a value of another type stays in the payload. */
function takeSpecialFields(entry: LogEntry, payload: Json): void {
  const severity = severityOf(take(payload, 'severity', isScalar) ?? take(payload, 'level', isLevelName));
  if (severity) entry.severity = severity;
  const labels = take(payload, `${PREFIX}labels`, isObject);
  if (labels) entry.labels = { ...textsOf(labels), ...entry.labels };
  entry.insertId = take(payload, `${PREFIX}insertId`, isText) ?? entry.insertId;
  setIf(entry, 'httpRequest', take(payload, 'httpRequest', isObject));
  setIf(entry, 'trace', take(payload, `${PREFIX}trace`, isText));
  setIf(entry, 'spanId', take(payload, `${PREFIX}spanId`, isText));
  setIf(entry, 'traceSampled', take(payload, `${PREFIX}trace_sampled`, isBoolean));
  setIf(entry, 'operation', take(payload, `${PREFIX}operation`, isObject));
  setIf(entry, 'sourceLocation', take(payload, `${PREFIX}sourceLocation`, isObject));
  const [only, ...others] = Object.keys(payload);
  if (only === 'message' && others.length === 0 && isText(payload.message))
    entry.textPayload = payload.message;
  else entry.jsonPayload = payload;
}

function setIf<K extends keyof LogEntry>(entry: LogEntry, key: K, value: LogEntry[K] | undefined): void {
  if (value !== undefined) entry[key] = value;
}

/** Removes a field and gives its value, if that is of the right type. */
function take<T>(payload: Json, key: string, is: (value: unknown) => value is T): T | undefined {
  if (!Object.hasOwn(payload, key)) return undefined;
  const value = payload[key];
  if (!is(value)) return undefined;
  delete payload[key];
  return value;
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isBoolean = (value: unknown): value is boolean => typeof value === 'boolean';
const isScalar = (value: unknown): value is string | number =>
  typeof value === 'string' || typeof value === 'number';
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
/** Programs also write their own numbers and objects there. */
const isLevelName = (value: unknown): value is string => isText(value) && severityOf(value) !== undefined;

function severityOf(value: string | number | undefined): Severity | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'string' && Object.hasOwn(SEVERITIES, value.toUpperCase()))
    return value.toUpperCase() as Severity;
  const number = typeof value === 'number' || /^\d+$/.test(value) ? Number(value) : undefined;
  if (number !== undefined) return severityAt(number);
  return SEVERITY_NAMES.find(([name]) => name.test(String(value)))?.[1];
}

/** The highest severity that is not above a number. */
function severityAt(number: number): Severity | undefined {
  return (Object.keys(SEVERITIES) as Severity[]).findLast((name) => SEVERITIES[name] <= number);
}

function textsOf(labels: Json): Record<string, string> {
  return Object.fromEntries(
    Object.entries(labels).map(([key, value]) => [key, isText(value) ? value : JSON.stringify(value)]),
  );
}
