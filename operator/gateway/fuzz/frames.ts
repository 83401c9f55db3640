/** Frame types, flags and settings of HTTP/2 (RFC 9113, 6). */
export const DATA = 0;
export const HEADERS = 1;
export const PRIORITY = 2;
export const RST_STREAM = 3;
export const SETTINGS = 4;
export const PUSH_PROMISE = 5;
export const PING = 6;
export const GOAWAY = 7;
export const WINDOW_UPDATE = 8;
export const CONTINUATION = 9;
export const END_STREAM = 1;
export const ACK = 1;
export const END_HEADERS = 4;
export const PADDED = 8;
export const WITH_PRIORITY = 32;
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

export interface Frame {
  type: number;
  flags: number;
  stream: number;
  payload: Buffer;
}

const EMPTY = Buffer.alloc(0);

/** @returns one frame; nothing about it is checked. */
export function frame(type: number, flags: number, stream: number, payload: Buffer = EMPTY): Buffer {
  const bytes = Buffer.allocUnsafe(9 + payload.length);
  bytes.writeUIntBE(payload.length, 0, 3);
  bytes[3] = type;
  bytes[4] = flags;
  bytes.writeUInt32BE(stream >>> 0, 5);
  payload.copy(bytes, 9);
  return bytes;
}

export function number32(...values: number[]): Buffer {
  const bytes = Buffer.allocUnsafe(4 * values.length);
  values.forEach((value, at) => {
    bytes.writeUInt32BE(value >>> 0, 4 * at);
  });
  return bytes;
}

export function settings(...pairs: [id: number, value: number][]): Buffer {
  const payload = Buffer.allocUnsafe(6 * pairs.length);
  pairs.forEach(([id, value], at) => {
    payload.writeUInt16BE(id, 6 * at);
    payload.writeUInt32BE(value >>> 0, 6 * at + 2);
  });
  return frame(SETTINGS, 0, 0, payload);
}

export const reset = (stream: number, code: number): Buffer => frame(RST_STREAM, 0, stream, number32(code));
export const goaway = (last: number, code: number): Buffer => frame(GOAWAY, 0, 0, number32(last, code));
export const windowUpdate = (stream: number, by: number): Buffer =>
  frame(WINDOW_UPDATE, 0, stream, number32(by));

function integer(first: number, bits: number, value: number): number[] {
  const most = 2 ** bits - 1;
  if (value < most) return [first | value];
  const bytes = [first | most];
  let rest = value - most;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  bytes.push(rest);
  return bytes;
}

/** @returns fields as literals without indexing and without Huffman coding (RFC 7541, 6.2.2); text is latin1. */
export function block(fields: readonly (readonly [string, string])[]): Buffer {
  const parts: Buffer[] = [];
  for (const [name, value] of fields) {
    parts.push(
      Buffer.from([0, ...integer(0, 7, name.length)]),
      Buffer.from(name, 'latin1'),
      Buffer.from(integer(0, 7, value.length)),
      Buffer.from(value, 'latin1'),
    );
  }
  return Buffer.concat(parts);
}

/** @returns a header section in HEADERS and as many CONTINUATION frames as there are `cuts`, or as its size demands. */
export function headers(
  stream: number,
  flags: number,
  section: Buffer,
  cuts: readonly number[] = [],
): Buffer[] {
  const ends = [...cuts.filter((cut) => cut < section.length), section.length];
  const pieces: Buffer[] = [];
  let start = 0;
  for (const end of ends) {
    do {
      const piece = section.subarray(start, Math.min(end, start + 16_384));
      pieces.push(piece);
      start += piece.length;
    } while (start < end);
  }
  return pieces.map((piece, at) =>
    frame(
      at === 0 ? HEADERS : CONTINUATION,
      (at === 0 ? flags & ~END_HEADERS : 0) | (at === pieces.length - 1 ? END_HEADERS : 0),
      stream,
      piece,
    ),
  );
}

/** Takes bytes as they come and gives whole frames. */
export class FrameReader {
  #held: Buffer = EMPTY;

  push(bytes: Buffer): Frame[] {
    const all = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    const found: Frame[] = [];
    let at = 0;
    while (all.length - at >= 9) {
      const length = all.readUIntBE(at, 3);
      if (all.length - at < 9 + length) break;
      found.push({
        type: all[at + 3] as number,
        flags: all[at + 4] as number,
        stream: all.readUInt32BE(at + 5) & 0x7fffffff,
        payload: all.subarray(at + 9, at + 9 + length),
      });
      at += 9 + length;
    }
    this.#held = all.subarray(at);
    return found;
  }
}

const NAMES =
  'DATA HEADERS PRIORITY RST_STREAM SETTINGS PUSH_PROMISE PING GOAWAY WINDOW_UPDATE CONTINUATION'.split(' ');

/** @returns frames for people: `HEADERS flags 5 stream 1 "..."`. */
export function describeFrames(bytes: Buffer): string[] {
  return new FrameReader().push(bytes).map(({ type, flags, stream, payload }) => {
    const text = JSON.stringify(payload.toString('latin1', 0, 120));
    return `${NAMES[type] ?? type} flags ${flags} stream ${stream} length ${payload.length} ${text}`;
  });
}

/** Symbols with codes of 5, 6, 7 and 8 bits; the code is canonical (RFC 7541, appendix B). */
const SHORT_CODES = [
  '012aceiost',
  ' %-./3456789=A_bdfghlmnpru',
  ':BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz',
  '&*,;XZ',
];

/** @returns text whose symbols all have short codes; '?' where one has not. */
function huffman(bytes: Buffer): string {
  let text = '';
  let code = 0;
  let bits = 0;
  const first = [0, 0x14, 0x5c, 0xf8];
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      code = (code << 1) | ((byte >> bit) & 1);
      bits++;
      if (bits < 5) continue;
      const symbol = SHORT_CODES[bits - 5]?.[code - (first[bits - 5] as number)];
      if (symbol !== undefined) {
        text += symbol;
        code = 0;
        bits = 0;
      } else if (bits > 8) return `${text}?`;
    }
  }
  return text;
}

/** What this much of HPACK knows of a field: its name's index in the static table, and its value where it is a literal. */
export interface ScannedField {
  index: number;
  value: string | undefined;
}

/** Reads a header section without a dynamic table: enough to find `:path` (4, 5) and `:status` (8 to 14). */
export function scan(section: Buffer): ScannedField[] {
  const found: ScannedField[] = [];
  let at = 0;
  const take = (bits: number): number => {
    const most = 2 ** bits - 1;
    let value = (section[at++] as number) & most;
    if (value < most) return value;
    for (let shift = 0; ; shift += 7) {
      const byte = section[at++] as number;
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  };
  const text = (): string => {
    const coded = (section[at] as number) >= 128;
    const length = take(7);
    const bytes = section.subarray(at, at + length);
    at += length;
    return coded ? huffman(bytes) : bytes.toString('latin1');
  };
  while (at < section.length) {
    const byte = section[at] as number;
    if (byte >= 128) found.push({ index: take(7), value: undefined });
    else if (byte >= 32 && byte < 64) take(5);
    else {
      const index = take(byte >= 64 ? 6 : 4);
      if (index === 0) text();
      found.push({ index, value: text() });
    }
  }
  return found;
}

const STATUSES = [200, 204, 206, 304, 400, 404, 500];

/** @returns the status of an answer's header section; undefined in trailers. */
export function statusOf(section: Buffer): number | undefined {
  const field = scan(section).find(({ index }) => index >= 8 && index <= 14);
  if (!field) return undefined;
  return field.value === undefined ? STATUSES[field.index - 8] : Number(field.value);
}

/** @returns the path of a request, unless it is "/". */
export function pathOf(section: Buffer): string {
  return (
    scan(section).find(({ index, value }) => (index === 4 || index === 5) && value !== undefined)?.value ??
    '/'
  );
}
