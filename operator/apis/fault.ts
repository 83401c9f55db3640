/** One thing that is wrong with an object. All faults of an object come in one answer. */
export interface Fault {
  /** Field, such as `spec.template.spec.containers[0].image`. */
  path: string;
  /** One sentence with the value and what is allowed. */
  message: string;
  value?: unknown;
  /** Only Cloud Run forbids it, Knative Serving does not: refused in strict mode, a warning otherwise. */
  strict?: boolean;
}

/** All faults of an object as one text, for conditions and refusals. */
export function toldFaults(faults: readonly Fault[]): string {
  return faults.map(({ path, message }) => `${path}: ${message}`).join('; ');
}

/** Path of an element of a list. */
export function at(path: string, index: number): string {
  return `${path}[${index}]`;
}

/** Path of a key of a map, such as an annotation. */
export function keyed(path: string, key: string): string {
  return `${path}[${key}]`;
}

/** A fault for each of `fields` that the object sets although Cloud Run does not know it. */
export function unsupported<T extends object>(
  object: T,
  fields: readonly (keyof T & string)[],
  path: string,
): Fault[] {
  return fields
    .filter((field) => object[field] !== undefined)
    .map((field) => ({
      path: `${path}.${field}`,
      message: `${field} is not supported by Cloud Run`,
      strict: true,
    }));
}

/** A fault when a whole number lies outside of [minimum, maximum]; an unset one is fine. */
export function outOfRange(
  value: number | undefined,
  [minimum, maximum]: readonly [number, number],
  path: string,
  extras: Pick<Fault, 'strict'> = {},
): Fault[] {
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

/** The values that occur more than once, with the index of each later occurrence. */
export function duplicates<T>(values: readonly T[]): { value: T; index: number }[] {
  const seen = new Set<T>();
  return values.flatMap((value, index) => {
    if (seen.has(value)) return [{ value, index }];
    seen.add(value);
    return [];
  });
}
