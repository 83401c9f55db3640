import { parseDuration } from '../duration.ts';
import { parseSource } from '../sourceUrl.ts';

/** What the value of an annotation may be. */
export interface ValueRule {
  /** The values allowed, for docs/contract.md. */
  allowed: string;
  /** What the value must be instead; undefined when it is allowed. */
  check(value: string): string | undefined;
  /** Whether earlier releases allowed a value that is refused now; where it is stored, it counts as unset. */
  wasAllowed?(value: string): boolean;
}

const rule = (allowed: string, accepts: (value: string) => boolean): ValueRule => ({
  allowed,
  check: (value) => (accepts(value) ? undefined : allowed),
});

/** A boolean, in the spelling of gcloud or of people. */
export const FLAG = rule('true or false', (value) => parseFlag(value) !== undefined);

/** One of a few texts. */
export const oneOf = (...values: string[]): ValueRule =>
  rule(`one of ${values.join(', ')}`, (value) => values.includes(value));

/** Decimal digits for a number within [minimum, maximum]. */
export const wholeNumber = (minimum: number, maximum = 2 ** 31 - 1): ValueRule =>
  rule(
    `a whole number from ${minimum} to ${maximum}`,
    (value) => /^\d+$/.test(value) && Number(value) >= minimum && Number(value) <= maximum,
  );

/**
 * The maximum of a number of instances. As in Knative, 0 was no maximum; with a maximum of 0 by its words, no request
 * could be answered.
 */
export const MAXIMUM: ValueRule = { ...wholeNumber(1), wasAllowed: (value) => /^0+$/.test(value) };

/** A number that may have decimals, within [minimum, maximum]. */
export const decimalNumber = (minimum: number, maximum = Number.POSITIVE_INFINITY): ValueRule =>
  rule(
    Number.isFinite(maximum)
      ? `a number from ${minimum} to ${maximum}`
      : `a number that is at least ${minimum}`,
    (value) => /^(\d+\.?\d*|\.\d+)$/.test(value) && Number(value) >= minimum && Number(value) <= maximum,
  );

/** A Go duration within [minimum, maximum], both in the same form. */
export const durationWithin = (minimum: string, maximum: string): ValueRule =>
  rule(`a duration from ${minimum} to ${maximum}, such as 90s or 5m`, (value) => {
    const ms = parseDuration(value) ?? Number.NaN;
    return ms >= (parseDuration(minimum) ?? 0) && ms <= (parseDuration(maximum) ?? 0);
  });

/** A scaling target (Cloud Run, Configure custom scaling controls for services). */
export const UTILIZATION_TARGET = rule(
  'a number from 0.1 to 0.95 with at most two decimals such as 0.75, the same in percent such as 75%, or disabled',
  (value) => parseUtilizationTarget(value) !== undefined,
);

/** Longest duration of a gradual roll-out: 30 days. */
export const MAX_ROLLOUT_MS = 30 * 24 * 3_600_000;

/** A Go duration with the precision of seconds; empty counts as unset. */
export const WHOLE_SECONDS = rule('a duration of whole seconds up to 720h, such as 90s or 5m', (value) => {
  const ms = value === '' ? 0 : parseDuration(value);
  return ms !== undefined && ms % 1000 === 0 && ms <= MAX_ROLLOUT_MS;
});

const json = (allowed: string, accepts: (value: unknown) => boolean): ValueRule =>
  rule(allowed, (text) => {
    try {
      return accepts(JSON.parse(text));
    } catch {
      return false;
    }
  });
const isObject = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value);

export const JSON_STRINGS = json(
  'a JSON list of strings',
  (value) => Array.isArray(value) && value.every((item) => typeof item === 'string'),
);
export const JSON_OBJECT = json('a JSON object', isObject);
export const JSON_OBJECTS = json(
  'a JSON list of objects',
  (value) => Array.isArray(value) && value.every(isObject),
);

/** The start order of containers. */
export const DEPENDENCIES = rule(
  'JSON such as {"app":["sidecar"]}: each container with those that start before it',
  (text) => parseDependencies(text) !== undefined,
);

const TEXT_MAP = (accepts: (text: string) => boolean) => (value: unknown) =>
  isObject(value) &&
  Object.values(value as object).every((text) => typeof text === 'string' && accepts(text));

/** Base images of containers. */
export const BASE_IMAGES = json(
  'JSON such as {"app":"nodejs24"}: each container with its base image',
  TEXT_MAP((text) => text !== ''),
);

/** Sources of containers. */
export const SOURCES = json(
  'JSON such as {"app":"gs://BUCKET/OBJECT#GENERATION"}: each container with its archive',
  TEXT_MAP((text) => parseSource(text) !== undefined),
);

/** Aliases of secrets in other projects. */
export const SECRET_ALIASES = rule(
  'ALIAS:projects/PROJECT/secrets/SECRET, or several of these separated by commas',
  (text) =>
    text.split(',').every((entry) => /^[^:=\s]+:projects\/[^/\s]+\/secrets\/[^/\s]+$/.test(entry.trim())),
);

/** A boolean annotation's value: gcloud writes True, people write true; undefined for anything else. */
export function parseFlag(value: string | undefined): boolean | undefined {
  const text = value?.toLowerCase();
  return text === 'true' ? true : text === 'false' ? false : undefined;
}

/**
 * The part of its capacity that an instance should use, by the value of a scaling target: 0.75 for `0.75` and `75%`.
 * @returns Infinity for `disabled`, as no use is too much then; undefined for anything else.
 */
export function parseUtilizationTarget(text: string | undefined): number | undefined {
  if (text === 'disabled') return Number.POSITIVE_INFINITY;
  const match = /^(0?\.\d{1,2})$|^(\d{1,2})%$/.exec(text ?? '');
  const part = match ? Number(match[1] ?? Number(match[2]) / 100) : Number.NaN;
  return part >= 0.1 && part <= 0.95 ? part : undefined;
}

/** Whether a value switches something off. */
export const isOff = (value: string): boolean => parseFlag(value) === false;

/** Twenty containers, each waiting for all others, with names of 63 characters take 28,000 characters. */
const MAX_DEPENDENCIES_LENGTH = 32_768;

/**
 * The value of annotation container-dependencies: container -> the containers that must start before it. Names may be
 * unquoted, as in `{app: [sidecar]}`, which published samples use.
 * @returns undefined when the text is neither form, or far longer than any start order.
 */
export function parseDependencies(text: string): Map<string, string[]> | undefined {
  if (text.length > MAX_DEPENDENCIES_LENGTH) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(
      text.replaceAll(/"[^"]*"|[\w.-]+/g, (word) => (word.startsWith('"') ? word : `"${word}"`)),
    );
  } catch {
    return undefined;
  }
  if (!isObject(parsed)) return undefined;
  const entries = Object.entries(parsed as object);
  const valid = entries.every(
    ([, list]) => Array.isArray(list) && list.every((name) => typeof name === 'string'),
  );
  return valid ? new Map(entries as [string, string[]][]) : undefined;
}
