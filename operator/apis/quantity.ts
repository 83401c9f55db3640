import { formatted } from './fieldError.ts';

/** A text is not a quantity. */
export class QuantityError extends Error {
  readonly code = 'QUANTITY_INVALID';
}

/** How a quantity is written: powers of 1000, powers of 1024, or an exponent. */
export type QuantityFormat = 'decimal' | 'binary' | 'exponent';

const NANO = 1_000_000_000n;

/** Suffix -> nano-units. */
const DECIMAL: readonly (readonly [string, bigint])[] = [
  ['E', 10n ** 27n],
  ['P', 10n ** 24n],
  ['T', 10n ** 21n],
  ['G', 10n ** 18n],
  ['M', 10n ** 15n],
  ['k', 10n ** 12n],
  ['', NANO],
  ['m', 10n ** 6n],
  ['u', 10n ** 3n],
  ['n', 1n],
];
const BINARY: readonly (readonly [string, bigint])[] = [
  ['Ei', NANO << 60n],
  ['Pi', NANO << 50n],
  ['Ti', NANO << 40n],
  ['Gi', NANO << 30n],
  ['Mi', NANO << 20n],
  ['Ki', NANO << 10n],
  ['', NANO],
];
const SUFFIXES = new Map([...DECIMAL, ...BINARY]);

/** Longer ones would take too long to compute. */
const MAX_LENGTH = 64;
/** Far more than the 2^63 units of the API server, and short enough to be formatted and parsed again. */
const MAX_NANO = 10n ** 60n;

const SYNTAX = /^([+-]?)(\d*)(?:\.(\d*))?(?:([KMGTPE]i|[numkMGTPE])|[eE]([+-]?\d{1,3}))?$/;

/**
 * A quantity such as `500m`, `1.5Gi` or `2e3` in nano-units, exactly; finer fractions are rounded away from
 * zero, as the API server does.
 * @throws {QuantityError} naming the text.
 */
export function parseQuantity(text: string | number): bigint {
  return parse(String(text)).nano;
}

/** Whether a text is a quantity. */
export function isQuantity(text: string | number): boolean {
  try {
    parse(String(text));
    return true;
  } catch {
    return false;
  }
}

function parse(text: string): { nano: bigint; format: QuantityFormat } {
  const match = text.length <= MAX_LENGTH ? SYNTAX.exec(text) : null;
  const [, sign = '', whole = '', fraction = '', suffix, exponent] = match ?? [];
  if (!match || whole + fraction === '') {
    throw new QuantityError(
      `${formatted(text)} is not a quantity; write a number with an optional unit, such as 500m, 2 or 512Mi`,
    );
  }
  const power = exponent === undefined ? 0 : Number(exponent);
  const unit = exponent === undefined ? (SUFFIXES.get(suffix ?? '') ?? NANO) : NANO;
  const scale = power - fraction.length;
  const digits = BigInt(whole + fraction) * unit;
  const magnitude = scale >= 0 ? digits * 10n ** BigInt(scale) : divideUp(digits, 10n ** BigInt(-scale));
  if (magnitude > MAX_NANO) throw new QuantityError(`${formatted(text)} is larger than any quantity may be`);
  const format = exponent !== undefined ? 'exponent' : suffix?.endsWith('i') ? 'binary' : 'decimal';
  return { nano: sign === '-' ? -magnitude : magnitude, format };
}

function divideUp(dividend: bigint, divisor: bigint): bigint {
  return (dividend + divisor - 1n) / divisor;
}

/** Less than, equal to or greater than zero, as `a` is to `b`. */
export function compareQuantities(a: string | number, b: string | number): number {
  const difference = parseQuantity(a) - parseQuantity(b);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/**
 * Writes nano-units as the API server does: no fraction, the largest unit that loses nothing. Powers of 1024 give
 * way to powers of 1000 where they would lose something or stay below 1024.
 */
export function formatQuantity(nano: bigint, format: QuantityFormat = 'decimal'): string {
  if (nano === 0n) return '0';
  const magnitude = nano < 0n ? -nano : nano;
  const binary = format === 'binary' && magnitude >= 1024n * NANO && magnitude % NANO === 0n;
  const units = binary ? BINARY : DECIMAL;
  const [suffix, unit] = units.find(([, size]) => magnitude % size === 0n) ?? ['n', 1n];
  if (format !== 'exponent') return `${nano / unit}${suffix}`;
  const exponent = unit.toString().length - NANO.toString().length;
  return `${nano / unit}${exponent === 0 ? '' : `e${exponent}`}`;
}

/**
 * The form in which the API server returns a quantity: `1000m` as `1`, `0.5` as `500m`, `1024Mi` as `1Gi`.
 * @throws {QuantityError} naming the text.
 */
export function canonicalQuantity(text: string | number): string {
  const { nano, format } = parse(String(text));
  return formatQuantity(nano, format);
}

/**
 * A CPU quantity in cores.
 * @throws {QuantityError} naming the text.
 */
export function cores(text: string | number): number {
  return Number(parseQuantity(text)) / 1e9;
}

/**
 * A memory quantity in bytes, rounded up.
 * @throws {QuantityError} naming the text.
 */
export function bytes(text: string | number): number {
  return Number(divideUp(parseQuantity(text), NANO));
}
