import { MOST_KEYS } from './excess.ts';

/** Bytes of the shortest key and value: quotes, a colon, a digit and a comma. */
const LEAST_BYTES = 5;

const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];
const [MAP_BEGINS, MAP_ENDS] = [0x7b, 0x7d];
const [LIST_BEGINS, LIST_ENDS] = [0x5b, 0x5d];

/**
 * The JSON of a review with each map cut after one key more than the limit. Parsing 250,000 keys takes 100 ms, and
 * counting the keys of a parsed map takes another 50 ms; skipping them here takes 5 ms. Such a map is rejected in either
 * case (excess.ts). Text that is not JSON stays invalid. Pure.
 * @param most keys that a map may have.
 */
export function narrowed(body: Buffer, most = MOST_KEYS): Buffer {
  if (body.length < most * LEAST_BYTES) return body;
  const kept: Buffer[] = [];
  /** Commas of each open map or list; a list may have any number. */
  const commas: number[] = [];
  let begin = 0;
  /** Nesting depth of the map that is being cut. */
  let wide: number | undefined;
  for (let i = 0; i < body.length; i++) {
    const byte = body[i];
    if (byte === QUOTE) i = endOfString(body, i);
    else if (byte === MAP_BEGINS) commas.push(0);
    else if (byte === LIST_BEGINS) commas.push(Number.NEGATIVE_INFINITY);
    else if (byte === COMMA && wide === undefined) {
      const last = commas.length - 1;
      const count = (commas[last] ?? Number.NEGATIVE_INFINITY) + 1;
      if (last >= 0) commas[last] = count;
      if (count <= most) continue;
      kept.push(body.subarray(begin, i));
      wide = commas.length;
    } else if (byte === MAP_ENDS || byte === LIST_ENDS) {
      if (wide === commas.length) {
        begin = i;
        wide = undefined;
      }
      commas.pop();
    }
  }
  if (kept.length === 0 || wide !== undefined) return body;
  return Buffer.concat([...kept, body.subarray(begin)]);
}

/** Index of the end of the string that starts at `from`; the length of the body when it is not terminated. */
function endOfString(body: Buffer, from: number): number {
  for (let i = from + 1; i < body.length; i++) {
    if (body[i] === QUOTE) return i;
    if (body[i] === BACKSLASH) i++;
  }
  return body.length;
}
