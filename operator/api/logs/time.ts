/** RFC 3339 with an optional fraction and offset; also a date alone (Logging query language, Values). */
const TIMESTAMP =
  /^(\d{4}-\d{2}-\d{2})(?:[Tt ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?\d*(Z|z|[+-]\d{2}:?\d{2})?)?$/;

/**
 * A time as `2026-01-02T03:04:05.123456789Z`: as text in the order of time, to the nanosecond.
 * @returns undefined for what is no time.
 */
export function canonicalTime(text: string): string | undefined {
  const [, date, clock = '00:00:00', fraction = '', offset = 'Z'] = TIMESTAMP.exec(text) ?? [];
  if (date === undefined) return undefined;
  const nanos = fraction.padEnd(9, '0');
  // Times in UTC, as containers' logs have them, need no arithmetic.
  const ms = Date.parse(`${date}T${clock}${offset.toUpperCase() === 'Z' ? 'Z' : offset}`);
  if (Number.isNaN(ms)) return undefined;
  const seconds = new Date(ms).toISOString().slice(0, 19);
  return seconds.length === 19 && !seconds.startsWith('-') && !seconds.startsWith('+')
    ? `${seconds}.${nanos}Z`
    : undefined;
}

/** The beginning of a line of a container's log and its canonical time; cheap, as every line that is read goes through it. */
export function lineTime(line: string): { time: string; text: string } | undefined {
  const space = line.indexOf(' ');
  const stamp = space < 0 ? line : line.slice(0, space);
  const time = isCanonical(stamp) ? stamp : canonicalTime(stamp);
  return time === undefined ? undefined : { time, text: space < 0 ? '' : line.slice(space + 1) };
}

function isCanonical(stamp: string): boolean {
  return stamp.length === 30 && stamp.endsWith('Z') && stamp[10] === 'T' && stamp[19] === '.';
}

/** The time in milliseconds, as a canonical one. */
export function timeOfMs(ms: number): string {
  const [seconds, fraction = ''] = new Date(ms).toISOString().slice(0, -1).split('.');
  return `${seconds}.${fraction.padEnd(9, '0')}Z`;
}

/** The next canonical time: a nanosecond later. */
export function following(time: string): string {
  const nanos = Number(time.slice(20, 29)) + 1;
  if (nanos < 1_000_000_000) return `${time.slice(0, 20)}${String(nanos).padStart(9, '0')}Z`;
  return timeOfMs(msOf(time) + 1000).replace(/\.\d+/, '.000000000');
}

/** Milliseconds since 1970, rounded down. */
export function msOf(time: string): number {
  return Date.parse(`${time.slice(0, 23)}Z`);
}
