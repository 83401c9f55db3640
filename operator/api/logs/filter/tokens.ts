import { formatted } from '../../../apis/fieldError.ts';
import { invalidFields } from '../../errors.ts';

/** A piece of a filter, and where it begins. */
export interface Token {
  kind: 'text' | 'quoted' | 'operator' | 'open' | 'close' | 'comma' | 'minus' | 'end';
  /** As it stands there. */
  raw: string;
  at: number;
}

/** Longest filter in characters (LogEntry, ListLogEntriesRequest). */
const LONGEST = 20_000;

/** By kind; a text may hold quoted parts, as in labels."a.b/c". */
const TOKEN =
  /(?<blank>(?:\s+|--[^\n]*)+)|(?<operator>=~|!~|!=|>=|<=|[=<>:])|(?<open>\()|(?<close>\))|(?<comma>,)|(?<minus>-(?=[^\s\d]))|(?<text>(?:[^\s"'()=<>!~:,]|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')+)/suy;
const WHOLE_QUOTED = /^(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')$/su;

/**
 * The tokens of a filter, the end as the last one.
 * @throws {ApiError} INVALID_ARGUMENT with the position.
 */
export function tokensOf(filter: string): Token[] {
  if (filter.length > LONGEST)
    throw wrongFilter(`has ${filter.length} characters; it must have at most ${LONGEST}`);
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  for (let at = 0; at < filter.length; at = TOKEN.lastIndex) {
    TOKEN.lastIndex = at;
    const groups = TOKEN.exec(filter)?.groups;
    if (!groups) throw unexpected(filter, at);
    const found = Object.entries(groups).find(([, raw]) => raw !== undefined);
    const [kind, raw] = found as [Token['kind'] | 'blank', string];
    if (kind === 'blank') continue;
    tokens.push({ kind: kind === 'text' && WHOLE_QUOTED.test(raw) ? 'quoted' : kind, raw, at });
  }
  return [...tokens, { kind: 'end', raw: '', at: filter.length }];
}

function unexpected(filter: string, at: number): Error {
  const character = filter.slice(at, at + 1);
  if (character === '"' || character === "'")
    return wrongFilter(`has a quotation mark at character ${at + 1} that is not closed`);
  return wrongFilter(
    `has ${formatted(character)} at character ${at + 1}, where it means nothing; put it into quotation marks`,
  );
}

/** What is wrong with a filter. */
export function wrongFilter(description: string): Error {
  return invalidFields([{ field: 'filter', description }]);
}

/** The text without its quotation marks, with escapes resolved (Logging query language, Values). */
export function unquoted(raw: string): string {
  if (!WHOLE_QUOTED.test(raw)) return raw;
  return raw
    .slice(1, -1)
    .replace(/\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|[0-3][0-7]{2}|.)/gsu, (_, code: string) => {
      const [kind = ''] = code;
      if (code.length > 1)
        return String.fromCharCode(
          kind === 'u' || kind === 'x' ? Number.parseInt(code.slice(1), 16) : Number.parseInt(code, 8),
        );
      return { n: '\n', t: '\t', r: '\r', a: '\x07', b: '\b', f: '\f', v: '\v' }[kind] ?? kind;
    });
}

/** The segments of a path: separated by dots outside of quotation marks. */
export function segmentsOf(raw: string): string[] {
  const parts = raw.match(/"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\.|[^."']+/gsu) ?? [];
  const segments = [''];
  for (const part of parts) {
    if (part === '.') segments.push('');
    else segments[segments.length - 1] += unquoted(part);
  }
  return segments;
}
