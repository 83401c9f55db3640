import { formatted } from '../../../apis/fieldError.ts';
import { pathOf } from './fields.ts';
import { type Token, tokensOf, unquoted, wrongFilter } from './tokens.ts';

export type Operator = '=' | '!=' | '<' | '<=' | '>' | '>=' | ':' | '=~' | '!~';

/** A filter as a tree. */
export type Filter =
  | { all: Filter[] }
  | { any: Filter[] }
  | { not: Filter }
  /** A comparison of one field. */
  | { path: readonly string[]; operator: Operator; value: string; isQuoted: boolean }
  /** A text in any field. */
  | { text: string };

/** How deep parentheses and negations may be nested. */
const DEEPEST = 50;

/**
 * The tree of a filter (Logging query language, Syntax notation):
 *
 *     all     = any { ["AND"] any }                 -- OR binds more closely than AND
 *     any     = not { "OR" not }
 *     not     = ["NOT" | "-"] term
 *     term    = "(" all ")" | function "(" value ")" | path operator value | value
 *     value   = text | "(" all of values ")"
 *
 * @returns undefined for an empty one.
 * @throws {ApiError} INVALID_ARGUMENT that says what was expected where.
 */
export function parseFilter(filter: string): Filter | undefined {
  const reader = new Reader(tokensOf(filter));
  if (reader.next().kind === 'end') return undefined;
  const tree = parseAll(reader, parseTerm, 0);
  if (reader.next().kind !== 'end') throw reader.unexpected('AND, OR or the end');
  return tree;
}

class Reader {
  readonly #tokens: readonly Token[];
  #index = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  next(): Token {
    return this.#tokens[this.#index] as Token;
  }

  take(): Token {
    const token = this.next();
    if (token.kind !== 'end') this.#index++;
    return token;
  }

  takeIf(kind: Token['kind'], raw?: string): boolean {
    const next = this.next();
    if (next.kind !== kind || (raw !== undefined && next.raw !== raw)) return false;
    this.take();
    return true;
  }

  unexpected(wanted: string, token = this.next()): Error {
    const found = token.kind === 'end' ? 'the end' : formatted(token.raw);
    return wrongFilter(`has ${found} at character ${token.at + 1}, where ${wanted} was expected`);
  }
}

/** What stands between AND, OR and NOT: comparisons, or the values of one. */
type ParseTerm = (reader: Reader, depth: number) => Filter;

function parseAll(reader: Reader, term: ParseTerm, depth: number): Filter {
  if (depth > DEEPEST) throw wrongFilter(`is nested more than ${DEEPEST} deep`);
  const all = [parseAny(reader, term, depth)];
  while (reader.takeIf('text', 'AND') || beginsTerm(reader.next())) all.push(parseAny(reader, term, depth));
  return all.length === 1 ? (all[0] as Filter) : { all };
}

function beginsTerm({ kind, raw }: Token): boolean {
  return kind === 'open' || kind === 'quoted' || kind === 'minus' || (kind === 'text' && raw !== 'OR');
}

function parseAny(reader: Reader, term: ParseTerm, depth: number): Filter {
  const any = [parseNot(reader, term, depth)];
  while (reader.takeIf('text', 'OR')) any.push(parseNot(reader, term, depth));
  return any.length === 1 ? (any[0] as Filter) : { any };
}

function parseNot(reader: Reader, term: ParseTerm, depth: number): Filter {
  if (depth > DEEPEST) throw wrongFilter(`is nested more than ${DEEPEST} deep`);
  if (reader.takeIf('text', 'NOT') || reader.takeIf('minus'))
    return { not: parseNot(reader, term, depth + 1) };
  if (!reader.takeIf('open')) return term(reader, depth);
  const inner = parseAll(reader, term, depth + 1);
  if (!reader.takeIf('close')) throw reader.unexpected('")"');
  return inner;
}

function parseTerm(reader: Reader, depth: number): Filter {
  const token = takeWord(reader, 'a field or a text');
  if (token.kind === 'text' && reader.takeIf('open')) return parseFunction(reader, token);
  if (reader.next().kind !== 'operator') return { text: unquoted(token.raw) };
  const path = pathOf(token);
  const operator = reader.take().raw as Operator;
  if (reader.next().kind !== 'open') return comparison(path, operator, takeWord(reader, 'a value'));
  return parseNot(reader, (inner) => comparison(path, operator, takeWord(inner, 'a value')), depth + 1);
}

function comparison(path: readonly string[], operator: Operator, { kind, raw }: Token): Filter {
  return { path, operator, value: unquoted(raw), isQuoted: kind === 'quoted' };
}

function takeWord(reader: Reader, wanted: string): Token {
  const next = reader.next();
  const isKeyword = next.kind === 'text' && ['AND', 'OR', 'NOT'].includes(next.raw);
  if (isKeyword || (next.kind !== 'text' && next.kind !== 'quoted')) throw reader.unexpected(wanted);
  return reader.take();
}

/** Of the functions there is one that needs nothing but an entry. */
function parseFunction(reader: Reader, name: Token): Filter {
  if (name.raw !== 'log_id')
    throw wrongFilter(
      `uses the function ${formatted(name.raw)} at character ${name.at + 1}; the only one here is log_id`,
    );
  const id = takeWord(reader, 'the ID of a log');
  if (!reader.takeIf('close')) throw reader.unexpected('")"');
  const value = `/logs/${encodeURIComponent(unquoted(id.raw))}`;
  return { path: ['logName'], operator: ':', value, isQuoted: true };
}
