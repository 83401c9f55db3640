/** google.logging.v2.LogEntry as JSON, as far as it comes from a container. */
export interface LogEntry {
  logName: string;
  resource: { type: string; labels: Record<string, string> };
  /** Canonical: to the nanosecond, in UTC. */
  timestamp: string;
  receiveTimestamp: string;
  severity: Severity;
  insertId: string;
  labels: Record<string, string>;
  textPayload?: string;
  jsonPayload?: Record<string, unknown>;
  httpRequest?: Record<string, unknown>;
  trace?: string;
  spanId?: string;
  traceSampled?: boolean;
  operation?: Record<string, unknown>;
  sourceLocation?: Record<string, unknown>;
}

/** Severities by their number (google.logging.type.LogSeverity). */
export const SEVERITIES = {
  DEFAULT: 0,
  DEBUG: 100,
  INFO: 200,
  NOTICE: 300,
  WARNING: 400,
  ERROR: 500,
  CRITICAL: 600,
  ALERT: 700,
  EMERGENCY: 800,
} as const;

export type Severity = keyof typeof SEVERITIES;
