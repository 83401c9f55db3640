import { deepEqual } from '../../../kube/json.ts';
import { type Code, type Context, type Fields, SAME, ValueError } from './value.ts';

/**
 * What a message and a stored object both say, in both directions. Writing what was read changes nothing, so what only
 * the stored object can say stays, and so does the notation of its values.
 */
export interface Lens {
  /** The fields of the message that it is about. */
  readonly fields: readonly string[];
  /** Adds what the stored object says to the message. */
  read(stored: Fields, message: Fields, context: Context): void;
  /**
   * Makes the stored object say what the message says; undefined for what is read only.
   * @param path of the message, for errors.
   * @throws {FieldValueError}
   */
  write?(message: Fields, stored: Fields, context: Context, path: string): void;
  /** The field that says what is at a path of the stored object, as `containers[0].image`; undefined for others. */
  locate?(path: Path): string | undefined;
}

/** A field of a message has a value that no stored object can have. */
export class FieldValueError extends Error {
  readonly code = 'FIELD_VALUE';
  readonly field: string;
  readonly problem: string;

  constructor(field: string, problem: string, cause?: unknown) {
    super(`${field}: ${problem}`, { cause });
    this.field = field;
    this.problem = problem;
  }
}

/** Keys from an object to a value inside it. */
export type Path = readonly string[];

const ownOf = (object: unknown, key: string): unknown =>
  typeof object === 'object' && object !== null && Object.hasOwn(object, key)
    ? (object as Fields)[key]
    : undefined;

/** The value at a path; undefined where there is none. */
export function valueAt(object: unknown, path: Path): unknown {
  let value = object;
  for (const key of path) {
    if (value === undefined) return undefined;
    value = ownOf(value, key);
  }
  return value;
}

/** Sets the value at a path, or removes it. */
export function setAt(object: Fields, path: Path, value: unknown): void {
  const [key = '', ...rest] = path;
  if (rest.length > 0) {
    if (value === undefined && ownOf(object, key) === undefined) return;
    object[key] ??= {};
    setAt(object[key] as Fields, rest, value);
  } else if (value === undefined) delete object[key];
  else object[key] = value;
}

/** Whether a path is another one or below it. */
export function isAt(path: Path, parent: Path): boolean {
  return parent.every((key, i) => path[i] === key);
}

/** The field of any of the lenses that says what is at a path. */
export function locate(lenses: readonly Lens[], path: Path): string | undefined {
  for (const lens of lenses) {
    const found = lens.locate?.(path);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A field that is one stored value. */
export function field(name: string, path: Path, code: Code = SAME): Lens & Required<Pick<Lens, 'write'>> {
  return {
    ...shown(name, path, code),
    write(message, stored, context, parent) {
      const value = message[name];
      if (deepEqual(code.read(valueAt(stored, path), context), value)) return;
      const at = joined(parent, name);
      setAt(stored, path, value === undefined ? undefined : written(code, value, context, at));
    },
  };
}

/** A field that clients only read. */
export function shown(name: string, path: Path, code: Code = SAME): Lens {
  return {
    fields: [name],
    read(stored, message, context) {
      const value = code.read(valueAt(stored, path), context);
      if (value !== undefined) message[name] = value;
    },
    locate: (found) => (isAt(found, path) ? name : undefined),
  };
}

function written(code: Code, value: unknown, context: Context, path: string): unknown {
  try {
    return code.write(value, context);
  } catch (error) {
    if (error instanceof ValueError) throw new FieldValueError(path, error.message, error);
    throw error;
  }
}

const joined = (parent: string, name: string) => (parent ? `${parent}.${name}` : name);

/** The message that lenses read; undefined when it is empty. */
export function readAll(lenses: readonly Lens[], stored: Fields, context: Context): Fields {
  const message: Fields = {};
  for (const lens of lenses) lens.read(stored, message, context);
  return message;
}

/** Writes the message through all lenses. */
export function writeAll(
  lenses: readonly Lens[],
  message: Fields,
  stored: Fields,
  context: Context,
  path: string,
): void {
  for (const lens of lenses) lens.write?.(message, stored, context, path);
}

/** A message inside the message whose fields are spread over the stored object; unset when it is empty. */
export function group(name: string, ...lenses: Lens[]): Lens {
  return {
    fields: [name],
    read(stored, message, context) {
      const inner = readAll(lenses, stored, context);
      if (Object.keys(inner).length > 0) message[name] = inner;
    },
    write(message, stored, context, path) {
      writeAll(lenses, (message[name] ?? {}) as Fields, stored, context, joined(path, name));
    },
    locate(path) {
      const inner = locate(lenses, path);
      return inner === undefined ? undefined : `${name}.${inner}`;
    },
  };
}

/** A message inside the message that is an object inside the stored one, also when it is empty. */
export function nested(name: string, path: Path, ...lenses: Lens[]): Lens {
  const read = (stored: Fields, context: Context) => {
    const inner = valueAt(stored, path);
    return inner === undefined || inner === null ? undefined : readAll(lenses, inner as Fields, context);
  };
  return {
    fields: [name],
    read(stored, message, context) {
      const inner = read(stored, context);
      if (inner) message[name] = inner;
    },
    write(message, stored, context, parent) {
      const inner = message[name] as Fields | undefined;
      if (deepEqual(read(stored, context), inner)) return;
      if (inner === undefined) {
        setAt(stored, path, undefined);
        return;
      }
      const object = (valueAt(stored, path) ?? {}) as Fields;
      writeAll(lenses, inner, object, context, joined(parent, name));
      setAt(stored, path, object);
    },
    locate(found) {
      if (!isAt(found, path)) return undefined;
      const inner = locate(lenses, found.slice(path.length));
      return inner === undefined ? name : `${name}.${inner}`;
    },
  };
}

/**
 * A list of messages that is a list of objects. An item is written to the stored one with the same key, so that this
 * keeps what only it can say.
 * @param key the field of both by which items are recognized; their place in the list when left out.
 */
export function list(name: string, path: Path, key: string | undefined, ...lenses: Lens[]): Lens {
  const itemsOf = (stored: Fields) => (valueAt(stored, path) ?? []) as Fields[];
  const read = (stored: Fields, context: Context) => {
    const items = itemsOf(stored).map((item) => readAll(lenses, item, context));
    return items.length > 0 ? items : undefined;
  };
  return {
    fields: [name],
    read(stored, message, context) {
      const items = read(stored, context);
      if (items) message[name] = items;
    },
    write(message, stored, context, parent) {
      const items = message[name] as Fields[] | undefined;
      if (deepEqual(read(stored, context), items)) return;
      const left = new Set(itemsOf(stored));
      const next = items?.map((item, index) => {
        const object = take(left, itemsOf(stored), item, index, key);
        writeAll(lenses, item, object, context, `${joined(parent, name)}[${index}]`);
        return object;
      });
      setAt(stored, path, next);
    },
    locate(found) {
      if (!isAt(found, path)) return undefined;
      const [index, ...rest] = found.slice(path.length);
      if (index === undefined) return name;
      const inner = locate(lenses, rest);
      return inner === undefined ? `${name}[${index}]` : `${name}[${index}].${inner}`;
    },
  };
}

/** The stored item that an item of the message is about, which no other one takes then; a new one if there is none. */
function take(left: Set<Fields>, all: readonly Fields[], item: Fields, index: number, key?: string): Fields {
  const same = (object: Fields) => (object[key ?? ''] || undefined) === item[key ?? ''];
  const found = key ? [...left].find(same) : all[index];
  if (!found) return {};
  left.delete(found);
  return found;
}
