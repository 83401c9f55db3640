/** One thing that is wrong with an object. All errors of an object come in one answer. */
export interface FieldError {
  /** Field, such as `spec.template.spec.containers[0].image`. */
  path: string;
  /** One sentence with the value and what is allowed. */
  message: string;
  value?: unknown;
  /** Only Cloud Run forbids it, Knative Serving does not: refused in strict mode, a warning otherwise. */
  strict?: boolean;
  /** Sources differ on whether Cloud Run forbids it: a warning in strict mode too. Only beside `strict`. */
  advice?: boolean;
}

/** Most errors that are told at once: whoever has made more goes through them in several steps. */
const MOST_TOLD = 50;
/** Most bytes of JSON of the paths and messages that are told at once; a refusal holds them twice. */
const MOST_BYTES = 14_000;
/** Most characters of one path or message: what is echoed in a message is shortened by itself, see {@link formatted}. */
const LONGEST_PATH = 300;
const LONGEST_MESSAGE = 1000;

/** The errors that an answer has room for, each with its field and message cut to what a person reads. */
export function shortenedErrors(errors: readonly FieldError[]): { told: FieldError[]; more: number } {
  const told: FieldError[] = [];
  let room = MOST_BYTES;
  for (const error of errors) {
    const path = brief(error.path, LONGEST_PATH);
    const message = brief(error.message, LONGEST_MESSAGE);
    room -= Buffer.byteLength(JSON.stringify(path + message));
    if (told.length >= MOST_TOLD || room < 0) break;
    told.push({ ...error, path, message });
  }
  return { told, more: errors.length - told.length };
}

/** The errors of an object as one text of bounded length, for conditions and refusals. */
export function errorMessage(errors: readonly FieldError[]): string {
  const { told, more } = shortenedErrors(errors);
  const lines = told.map(({ path, message }) => `${path}: ${message}`);
  return [...lines, ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
}

/** Longest part of a value that is echoed. */
const LONGEST_SHOWN = 100;

/**
 * A value as JSON for people to recognise it by, at most about 100 characters of it. Takes no longer for a value that
 * is large or deep.
 */
export function formatted(value: unknown): string {
  if (value === undefined) return 'unset';
  if (typeof value === 'string') return JSON.stringify(brief(value));
  return brief(jsonOf(value, LONGEST_SHOWN + 1));
}

/** A text, cut where it is longer than `most` characters. */
export function brief(text: string, most = LONGEST_SHOWN): string {
  return text.length > most ? `${text.slice(0, most)}...` : text;
}

/** The beginning of a value's JSON: `room` characters of it, or a few more. */
function jsonOf(value: unknown, room: number): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, room));
  if (typeof value !== 'object' || value === null) return String(value);
  const isList = Array.isArray(value);
  let text = isList ? '[' : '{';
  for (const key of isList ? value.keys() : Object.keys(value)) {
    if (text.length >= room) return text;
    const name = isList ? '' : `${JSON.stringify(String(key).slice(0, room))}:`;
    const comma = text.length > 1 ? ',' : '';
    text += comma + name + jsonOf((value as never)[key], room - text.length - 1);
  }
  return text + (isList ? ']' : '}');
}

/** Path of an element of a list. */
export function at(path: string, index: number): string {
  return `${path}[${index}]`;
}

/** Path of a key of a map, such as an annotation. */
export function keyed(path: string, key: string): string {
  return `${path}[${key}]`;
}

/** An error for each of `fields` that the object sets although Cloud Run does not know it. */
export function unsupported<T extends object>(
  object: T,
  fields: readonly (keyof T & string)[],
  path: string,
): FieldError[] {
  return fields
    .filter((field) => object[field] !== undefined)
    .map((field) => ({
      path: `${path}.${field}`,
      message: `${field} is not supported by Cloud Run`,
      strict: true,
    }));
}

/** An error when a whole number lies outside of [minimum, maximum]; an unset one is fine. */
export function outOfRange(
  value: number | undefined,
  [minimum, maximum]: readonly [number, number],
  path: string,
  extras: Pick<FieldError, 'strict'> = {},
): FieldError[] {
  if (value === undefined || (Number.isInteger(value) && value >= minimum && value <= maximum)) return [];
  return [
    {
      path,
      value,
      message: `is ${value}; it must be a whole number from ${minimum} to ${maximum}`,
      ...extras,
    },
  ];
}

/** After so many errors of one kind nothing more is looked at: nobody is told of all of these. */
export const MOST_FOUND = 1000;

/**
 * The errors of each item of a list. It ends early where so many are grave that it does not matter what else is wrong;
 * what is only warned of never hides what must be refused.
 */
export function errorsOfEach<T>(
  items: readonly T[],
  errorsIn: (item: T, index: number) => readonly FieldError[],
): FieldError[] {
  const found: FieldError[] = [];
  let grave = 0;
  for (const [index, item] of items.entries()) {
    for (const error of errorsIn(item, index)) {
      if (!error.strict) grave++;
      if (!error.strict || found.length < MOST_FOUND) found.push(error);
    }
    if (grave >= MOST_FOUND) break;
  }
  return found;
}

/** The values that occur more than once, with the index of each later occurrence. */
export function duplicates<T>(values: readonly T[]): { value: T; index: number }[] {
  const seen = new Set<T>();
  return values.flatMap((value, index) => {
    if (seen.has(value)) return [{ value, index }];
    seen.add(value);
    return [];
  });
}
