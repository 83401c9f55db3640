import { inspect } from 'node:util';
import type { Logger } from './log.ts';
import { unhandledRejections } from './metrics/process.ts';

/**
 * Logs and counts promises that are rejected without a handler, instead of ending the process. For roles that are
 * level-triggered: the next change or resync does again what was lost, whereas an end would stop all other objects as
 * well, and each later leader at the same one. An uncaught exception stays fatal, because it may have left
 * anything half done.
 */
export function surviveRejections(log: Logger): void {
  process.on('unhandledRejection', (reason) => {
    unhandledRejections.inc();
    const err = reason instanceof Error ? reason : new Error(inspect(reason, { depth: 2 }).slice(0, 1000));
    log.error({ err }, 'unhandled promise rejection: this is a defect');
  });
}
