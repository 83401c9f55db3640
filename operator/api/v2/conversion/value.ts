import { parseFlag } from '../../../apis/annotations/values.ts';

/** A JSON object: a message in protobuf's JSON form, or a part of a stored object. */
export type Fields = Record<string, unknown>;

/** Where an object is seen from, and what its values refer to. */
export interface Context {
  /** `projects/PROJECT/locations/LOCATION`, with which names begin. */
  place: string;
  /** Aliases of secrets in other projects -> their full names. */
  aliases: Map<string, string>;
}

/** A value of a message that no stored object can have. */
export class ValueError extends Error {
  readonly code = 'VALUE';
}

/** A value in both forms; `undefined` is a field that is unset, and what its default reads as. */
export interface Code {
  read(stored: unknown, context: Context): unknown;
  /** @throws {ValueError} */
  write(value: unknown, context: Context): unknown;
}

const code = (read: (stored: unknown) => unknown, write: (value: unknown) => unknown): Code => ({
  read,
  write,
});

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
const orUnset = (value: unknown) => (value === '' || value === 0 || value === false ? undefined : value);

/** The same in both; empty texts, 0 and false are unset, as protobuf has it for fields without presence. */
export const SAME = code(orUnset, (value) => value);

/** The same in both, with presence. */
export const PRESENT = code(
  (stored) => stored,
  (value) => value,
);

/** A list that is the same in both. */
export const LIST = code(
  (stored) => (Array.isArray(stored) && stored.length > 0 ? stored : undefined),
  (value) => value,
);

/** A map whose values are texts in the message. */
export const TEXTS = code(
  (stored) => {
    const entries = Object.entries((stored ?? {}) as Fields);
    return entries.length > 0
      ? Object.fromEntries(entries.map(([key, value]) => [key, String(value)]))
      : undefined;
  },
  (value) => value,
);

/** A text in the message, maybe a number where it is stored (quantities). */
export const QUANTITY = code(
  (stored) => (stored === undefined || stored === '' ? undefined : String(stored)),
  (value) => value,
);

/** int64: a text in the message, a number where it is stored. */
export const INT64 = code(
  (stored) => (stored ? String(stored) : undefined),
  (value) => Number(value),
);

/** The number of a port; a port by its name cannot be said in a message. */
export const PORT = code(
  (stored) => (typeof stored === 'number' && stored > 0 ? stored : undefined),
  (value) => value,
);

/** A time, RFC 3339 in both. */
export const TIME = code(
  (stored) => (isText(stored) && !Number.isNaN(Date.parse(stored)) ? stored : undefined),
  (value) => value,
);

/** Seconds as a number or digits where they are stored, google.protobuf.Duration in the message. */
export const SECONDS = durationOf(1, 'seconds', Number);

/** Hours as digits. */
export const HOURS = durationOf(3600, 'hours', String);

function durationOf(unit: number, name: string, store: (units: number) => unknown): Code {
  return code(
    (stored) => (Number(stored) > 0 ? `${Number(stored) * unit}s` : undefined),
    (value) => {
      const units = Number(String(value).replace(/s$/, '')) / unit;
      if (!Number.isInteger(units) || units < 0) throw new ValueError(`must be a duration of whole ${name}`);
      return store(units);
    },
  );
}

/** An annotation with a number; 0 is unset. */
export const COUNT = code(
  (stored) => orUnset(digits(stored)),
  (value) => String(value),
);

/** An annotation with a number, with presence. */
export const OPTIONAL_COUNT = code(digits, (value) => String(value));

function digits(stored: unknown): number | undefined {
  return isText(stored) && /^\d{1,10}$/.test(stored) ? Number(stored) : undefined;
}

/** An annotation that is true or unset. */
export const FLAG = code(
  (stored) => parseFlag(stored as string | undefined) || undefined,
  (value) => String(value),
);

/** An annotation that is true, false or unset. */
export const OPTIONAL_FLAG = code(
  (stored) => parseFlag(stored as string | undefined),
  (value) => String(value),
);

/** An annotation with JSON. */
export const JSON_TEXT = code(parsedJson, (value) => JSON.stringify(value));

/** The value of an annotation with JSON; undefined when it is empty or unreadable. */
export function parsedJson(text: unknown): unknown {
  if (!isText(text)) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    const isEmpty = typeof value !== 'object' || value === null || Object.keys(value).length === 0;
    return isEmpty ? undefined : value;
  } catch {
    // Admission refuses it; an object from before says nothing by it.
    return undefined;
  }
}

/** A list, with commas where it is stored. */
export const COMMAS = code(
  (stored) => (isText(stored) ? stored.split(',').map((part) => part.trim()) : undefined),
  (value) => (value as string[]).join(','),
);

/**
 * An enum by its names where it is stored.
 * @param names name in the message -> stored; the first of several that are stored the same is read.
 * @param unset what an unset field reads as.
 */
export function enumOf(names: Readonly<Record<string, string>>, unset?: string): Code {
  const byStored = new Map(
    Object.entries(names)
      .reverse()
      .map(([name, stored]) => [stored, name]),
  );
  return code(
    (stored) => byStored.get(stored as string) ?? (isText(stored) ? undefined : unset),
    (value) => {
      const stored = names[value as string];
      if (stored === undefined) throw new ValueError(`must be one of ${Object.keys(names).join(', ')}`);
      return stored;
    },
  );
}
