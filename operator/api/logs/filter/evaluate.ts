import { formatted } from '../../../apis/fieldError.ts';
import { type LogEntry, SEVERITIES, type Severity } from '../entry.ts';
import { canonicalTime } from '../time.ts';
import type { Filter, Operator } from './parse.ts';
import { wrongFilter } from './tokens.ts';

/** What of an entry is known before its line is read. */
export type Origin = Pick<LogEntry, 'logName' | 'resource' | 'labels'>;

/**
 * Whether an entry passes a filter. Of an origin alone: undefined where that depends on the rest of the entry.
 */
export type Test = (entry: LogEntry | Origin) => boolean | undefined;

type Comparison = Extract<Filter, { path: readonly string[] }>;
type Matcher = (actual: unknown) => boolean;
/** Finds a regular expression in a text. */
export type Pattern = (text: string) => boolean;

/**
 * A filter as a function (Logging query language). Texts are compared without regard to case; a comparison of a field that
 * is missing is false.
 * @throws {ApiError} INVALID_ARGUMENT for a value that its field cannot have.
 */
export async function compileFilter(filter: Filter | undefined): Promise<Test> {
  if (!filter) return () => true;
  return compile(filter, usesPatterns(filter) ? await patternCompiler() : () => () => false);
}

function usesPatterns(filter: Filter): boolean {
  if ('path' in filter) return filter.operator === '=~' || filter.operator === '!~';
  if ('not' in filter) return usesPatterns(filter.not);
  return 'text' in filter ? false : partsOf(filter).some(usesPatterns);
}

function partsOf(filter: { all: Filter[] } | { any: Filter[] }): Filter[] {
  return 'all' in filter ? filter.all : filter.any;
}

/** RE2, as Cloud Logging uses it: whatever the expression, its time is linear in the text. Loaded when first needed. */
async function patternCompiler(): Promise<(source: string) => Pattern> {
  const { RE2JS } = await import('re2js');
  return (source) => {
    try {
      const compiled = RE2JS.compile(source);
      return (text) => compiled.matcher(text).find();
    } catch (cause) {
      throw wrongFilter(
        `has ${formatted(source)}, which is no regular expression of RE2: ${(cause as Error).message}`,
      );
    }
  };
}

function compile(filter: Filter, pattern: (source: string) => Pattern): Test {
  if ('all' in filter)
    return connect(
      filter.all.map((each) => compile(each, pattern)),
      false,
    );
  if ('any' in filter)
    return connect(
      filter.any.map((each) => compile(each, pattern)),
      true,
    );
  if ('not' in filter) {
    const inner = compile(filter.not, pattern);
    return (entry) => {
      const passes = inner(entry);
      return passes === undefined ? undefined : !passes;
    };
  }
  if ('text' in filter) {
    const wanted = filter.text.toLowerCase();
    return (entry) => (isWhole(entry) ? hasText(entry, wanted) : undefined);
  }
  return compileComparison(filter, pattern);
}

/** AND is decided by the first that is false, OR by the first that is true. */
function connect(tests: readonly Test[], deciding: boolean): Test {
  return (entry) => {
    let result: boolean | undefined = !deciding;
    for (const test of tests) {
      const passes = test(entry);
      if (passes === deciding) return deciding;
      if (passes === undefined) result = undefined;
    }
    return result;
  };
}

function isWhole(entry: LogEntry | Origin): entry is LogEntry {
  return 'timestamp' in entry;
}

function compileComparison(comparison: Comparison, pattern: (source: string) => Pattern): Test {
  const { path, operator } = comparison;
  const isNegative = operator === '!=' || operator === '!~';
  const match = matcherOf(comparison, pattern);
  const [first = '', second = ''] = path;
  // Labels that a program sets are known with the line.
  const isKnown = (origin: Origin) =>
    first === 'resource' ||
    first === 'logName' ||
    (first === 'labels' && Object.hasOwn(origin.labels, second));
  return (entry) => {
    if (!isWhole(entry) && !isKnown(entry)) return undefined;
    const values = valuesAt(entry, path);
    if (values.length === 0) return false;
    return isNegative ? !values.some(match) : values.some(match);
  };
}

/** What equals, contains or exceeds the value; of a negative operator, what its opposite matches. */
function matcherOf(comparison: Comparison, pattern: (source: string) => Pattern): Matcher {
  const { path, operator, value, isQuoted } = comparison;
  const [first = ''] = path;
  if (operator === '=~' || operator === '!~') {
    const find = pattern(value);
    return (actual) => typeof actual === 'string' && find(actual);
  }
  if (operator === ':' && value === '*' && !isQuoted) return () => true;
  if (first === 'severity' && operator !== ':') return severityMatcher(operator, value);
  if (first === 'timestamp' || first === 'receiveTimestamp') return timeMatcher(first, operator, value);
  return plainMatcher(operator, value, isQuoted);
}

function severityMatcher(operator: Operator, value: string): Matcher {
  const wanted = severityNumber(value);
  return (actual) => holds(operator, SEVERITIES[actual as Severity] - wanted);
}

function severityNumber(value: string): number {
  const name = value.toUpperCase();
  if (Object.hasOwn(SEVERITIES, name)) return SEVERITIES[name as Severity];
  const number = Number(value);
  if (value !== '' && Number.isInteger(number)) return number;
  throw wrongFilter(
    `compares severity with ${formatted(value)}; it must be one of ${Object.keys(SEVERITIES).join(', ')}`,
  );
}

function timeMatcher(field: string, operator: Operator, value: string): Matcher {
  const wanted = canonicalTime(value);
  if (wanted === undefined || operator === ':')
    throw wrongFilter(
      `compares ${field} by ${operator} with ${formatted(value)}; it must be = < <= > >= and a time such as "2026-01-02T03:04:05Z"`,
    );
  return (actual) => holds(operator, compareText(String(actual), wanted));
}

function plainMatcher(operator: Operator, value: string, isQuoted: boolean): Matcher {
  const wanted = value.toLowerCase();
  const number = numberOf(value);
  return (actual) => {
    if (actual === null) return value === 'NULL_VALUE' && !isQuoted && operator !== '<' && operator !== '>';
    if (typeof actual === 'number') return number !== undefined && holds(operator, actual - number);
    if (typeof actual === 'boolean')
      return (operator === ':' || holds(operator, 0)) && String(actual) === wanted;
    if (typeof actual !== 'string') return operator === ':' && hasText(actual, wanted);
    const text = actual.toLowerCase();
    if (operator === ':') return text.includes(wanted);
    const isOrder = operator !== '=' && operator !== '!=';
    const present = isOrder && number !== undefined ? numberOf(actual) : undefined;
    return holds(
      operator,
      present !== undefined && number !== undefined ? present - number : compareText(text, wanted),
    );
  };
}

/** A number, or a duration such as `1.5s`. */
function numberOf(text: string): number | undefined {
  const number = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?s?$/i.test(text) ? Number.parseFloat(text) : Number.NaN;
  return Number.isNaN(number) ? undefined : number;
}

function holds(operator: Operator, difference: number): boolean {
  switch (operator) {
    case '<':
      return difference < 0;
    case '<=':
      return difference <= 0;
    case '>':
      return difference > 0;
    case '>=':
      return difference >= 0;
    default:
      return difference === 0;
  }
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The values of a field, each item of lists on the way. Entries are not nested deeply (operator/api/logs/line.ts). */
function valuesAt(value: unknown, path: readonly string[], from = 0): unknown[] {
  if (Array.isArray(value)) return value.flatMap((item) => valuesAt(item, path, from));
  if (from === path.length) return value === undefined ? [] : [value];
  const key = path[from] as string;
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return [];
  return valuesAt((value as Record<string, unknown>)[key], path, from + 1);
}

/** Whether any value in an entry contains the text, which is in small letters. */
function hasText(value: unknown, text: string): boolean {
  if (typeof value === 'string') return value.toLowerCase().includes(text);
  if (typeof value !== 'object' || value === null) return String(value).toLowerCase() === text;
  return Object.values(value).some((inner) => hasText(inner, text));
}
