/** An error in one field of an object. One response lists all errors of an object. */
export interface FieldError {
  /** Field, such as `spec.template.spec.containers[0].image`. */
  path: string;
  /** One sentence with the value and what is allowed. */
  message: string;
  value?: unknown;
  /** Cloud Run forbids it and Knative Serving allows it: rejected in strict mode, a warning otherwise. */
  strict?: boolean;
  /** Sources disagree on whether Cloud Run forbids it: a warning in strict mode too. Only together with `strict`. */
  advice?: boolean;
  /** Earlier releases allowed it: what the controller makes of an object that has it is not rejected. */
  wasAllowed?: boolean;
}

/** What Cloud Run alone forbids. */
export const STRICT = { strict: true } as const;

/** What Cloud Run alone may forbid, as sources disagree. */
export const ADVICE = { strict: true, advice: true } as const;

/** Maximum number of errors in one response. */
const MOST_LISTED = 50;
/** Maximum bytes of JSON of all listed paths and messages; a rejection contains them twice. */
const MOST_BYTES = 14_000;
/** Maximum characters of one path or message; a value echoed in a message is cut separately, see {@link formatted}. */
const LONGEST_PATH = 300;
const LONGEST_MESSAGE = 1000;

/** The errors that fit into one response, with long paths and messages cut, and the number of those left out. */
export function shortenedErrors(errors: readonly FieldError[]): { listed: FieldError[]; more: number } {
  const listed: FieldError[] = [];
  let room = MOST_BYTES;
  for (const error of errors) {
    const path = brief(error.path, LONGEST_PATH);
    const message = brief(error.message, LONGEST_MESSAGE);
    room -= Buffer.byteLength(JSON.stringify(path + message));
    if (listed.length >= MOST_LISTED || room < 0) break;
    listed.push({ ...error, path, message });
  }
  return { listed, more: errors.length - listed.length };
}

/** The errors of an object as one message of bounded length, for conditions and rejections. */
export function errorMessage(errors: readonly FieldError[]): string {
  const { listed, more } = shortenedErrors(errors);
  const lines = listed.map(({ path, message }) => `${path}: ${message}`);
  return [...lines, ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
}

/** Maximum characters of a value that a message echoes. */
const LONGEST_SHOWN = 100;

/**
 * A value as JSON for messages, cut to about 100 characters. Large and deeply nested values take no longer than small
 * ones.
 */
export function formatted(value: unknown): string {
  if (value === undefined) return 'unset';
  if (typeof value === 'string') return JSON.stringify(brief(value));
  return brief(jsonOf(value, LONGEST_SHOWN + 1));
}

/** The text, cut to `most` characters. */
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

/** Path of a list item. */
export function at(path: string, index: number): string {
  return `${path}[${index}]`;
}

/** Path of a map entry, such as an annotation. */
export function keyed(path: string, key: string): string {
  return `${path}[${key}]`;
}

/** An error for each of `fields` that is set although Cloud Run does not support it. */
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

/** An error in a value that is not what it must be. */
export function mustBe(
  path: string,
  value: unknown,
  wanted: string,
  extras: Pick<FieldError, 'strict' | 'advice'> = {},
): FieldError {
  return { path, value, message: `is ${formatted(value)}; it must be ${wanted}`, ...extras };
}

/** An error in a field that must be set. */
export function missing(path: string): FieldError {
  return { path, message: 'must be set' };
}

/** Validation of a list stops after this many errors: a response lists far fewer. */
export const MOST_FOUND = 1000;

/**
 * The errors of all items of a list. It stops early after {@link MOST_FOUND} errors that reject the object; warnings
 * never crowd those out.
 */
export function errorsOfEach<T>(
  items: readonly T[],
  errorsIn: (item: T, index: number) => readonly FieldError[],
): FieldError[] {
  const found: FieldError[] = [];
  let rejecting = 0;
  for (const [index, item] of items.entries()) {
    for (const error of errorsIn(item, index)) {
      if (!error.strict) rejecting++;
      if (!error.strict || found.length < MOST_FOUND) found.push(error);
    }
    if (rejecting >= MOST_FOUND) break;
  }
  return found;
}

/** An error in a field of each item of a list whose value an earlier item has too. */
export function repeated(
  values: readonly unknown[],
  path: string,
  field: string,
  problem: string,
): FieldError[] {
  const seen = new Set();
  return values.flatMap((value, index) => {
    const isNew = !seen.has(value);
    seen.add(value);
    const message = `is ${formatted(value)}, ${problem}`;
    return isNew ? [] : [{ path: `${at(path, index)}.${field}`, value, message }];
  });
}
