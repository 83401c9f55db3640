// What the spans of all roles have in common (OpenTelemetry Protocol, in JSON).

/** Longer values of attributes are cut. */
const MAX_VALUE = 1024;

// opentelemetry-proto, trace.proto: Span.SpanKind, Status.StatusCode, SpanFlags.

export const INTERNAL = 1;
export const SERVER = 2;
export const CLIENT = 3;
export const ERROR = 2;
export const SAMPLED = 0x1;
export const HAS_IS_REMOTE = 0x100;
export const IS_REMOTE = 0x200;

/** One attribute; numbers are whole. */
type Attribute = { key: string; value: { stringValue: string } | { intValue: string } };

/** A span in the JSON form of OTLP (OpenTelemetry Protocol, JSON Protobuf Encoding: hexadecimal IDs, 64-bit numbers as text). */
export interface Span {
  traceId: string;
  spanId: string;
  parentSpanId: string | undefined;
  traceState?: string | undefined;
  flags: number;
  name: string;
  kind: number;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: Attribute[];
  events?: { timeUnixNano: string; name: string }[] | undefined;
  status?: { code: number; message?: string } | undefined;
}

/** Attributes of a span; those without a value are left out, and long texts are cut. */
export function attributes(values: Record<string, string | number | undefined>): Attribute[] {
  const found: Attribute[] = [];
  for (const [key, value] of Object.entries(values)) {
    if (value === undefined) continue;
    found.push({
      key,
      value: typeof value === 'number' ? { intValue: String(value) } : { stringValue: cut(value) as string },
    });
  }
  return found;
}

/** A text that is not too long for an attribute. */
export function cut(value: string | undefined): string | undefined {
  return value !== undefined && value.length > MAX_VALUE ? value.slice(0, MAX_VALUE) : value;
}
