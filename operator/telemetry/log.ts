import { type Logger, pino } from 'pino';

export type { Logger };

/** The process's logger: one JSON line per event on stdout, level names instead of pino's numbers. */
export function createLogger(role: string, level: string): Logger {
  return pino({
    level,
    base: { role },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  });
}
