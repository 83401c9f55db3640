import { ApiError } from '../errors.ts';

/** Levels of maps and lists; no resource has half of them. */
const DEEPEST = 64;
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const [QUOTE, BACKSLASH, COLON] = [0x22, 0x5c, 0x3a];
const [MAP_BEGINS, MAP_ENDS, LIST_BEGINS, LIST_ENDS] = [0x7b, 0x7d, 0x5b, 0x5d];

/**
 * The value of a JSON text, which two readers must not understand in two ways: no key comes twice in a map, no key is
 * `__proto__`, no number is beyond what JSON has, the bytes are UTF-8.
 * @throws {ApiError} INVALID_ARGUMENT
 */
export function parseJson(bytes: Buffer): unknown {
  let text: string;
  let value: unknown;
  try {
    text = UTF8.decode(bytes);
    value = JSON.parse(text);
  } catch (cause) {
    throw new ApiError('INVALID_ARGUMENT', `The body is not JSON: ${(cause as Error).message}`, { cause });
  }
  checkMaps(text);
  return value;
}

/** @param text valid JSON. */
function checkMaps(text: string): void {
  /** The keys of each open map; a list has none. */
  const open: (Set<string> | undefined)[] = [];
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === MAP_BEGINS || unit === LIST_BEGINS) {
      open.push(unit === MAP_BEGINS ? new Set() : undefined);
      if (open.length > DEEPEST) throw invalid(`It has more than ${DEEPEST} levels.`);
    } else if (unit === MAP_ENDS || unit === LIST_ENDS) {
      open.pop();
    } else if (unit === QUOTE) {
      const end = endOfString(text, at);
      const keys = open.at(-1);
      if (keys && nextUnit(text, end + 1) === COLON) addKey(keys, text.slice(at, end + 1));
      at = end;
    }
  }
}

function addKey(keys: Set<string>, quoted: string): void {
  const key = quoted.includes('\\') ? (JSON.parse(quoted) as string) : quoted.slice(1, -1);
  if (key === '__proto__') throw invalid('It has a key "__proto__".');
  if (keys.has(key)) throw invalid(`It has the key ${JSON.stringify(key.slice(0, 100))} twice in one map.`);
  keys.add(key);
}

function endOfString(text: string, from: number): number {
  let at = from + 1;
  while (text.charCodeAt(at) !== QUOTE) at += text.charCodeAt(at) === BACKSLASH ? 2 : 1;
  return at;
}

/** The next unit that is no space. */
function nextUnit(text: string, from: number): number {
  let at = from;
  while (text.charCodeAt(at) <= 0x20) at++;
  return text.charCodeAt(at);
}

function invalid(why: string): ApiError {
  return new ApiError('INVALID_ARGUMENT', `The body is not accepted as JSON. ${why}`);
}
