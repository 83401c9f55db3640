import type { Logger } from '../../telemetry/log.ts';
import type { SpanExporter } from '../../tracing/spanExporter.ts';
import type { ThreadData } from '../data/thread.ts';
import type { TracingOptions } from '../data/tracer.ts';
import type { Heartbeats } from '../shared/heartbeat.ts';
import type { Limits } from '../shared/limits.ts';
import type { FromThread, TableUpdate } from '../shared/messages.ts';
import type { Slots } from '../shared/slots.ts';
import type { Stats } from '../shared/stats.ts';
import type { AccessLogWriter } from './accessLogWriter.ts';

/** What the data threads are started with, and where their messages go. */
export interface ThreadsOptions {
  slots: Slots;
  stats: Stats;
  port: number;
  internalPort: number;
  tls?: ThreadData['tls'];
  /** Of requests that other gateways forward; unset where there can be none. */
  gatewayPort?: number;
  host?: string;
  limits: Limits;
  /** Where the threads' access log goes, if there is one. */
  accessLog?: AccessLogWriter;
  /** How requests are traced and where their spans go, if they are. */
  tracing?: { options: TracingOptions; exporter: SpanExporter } | undefined;
  log: Logger;
  /** The most that each thread's heap may grow to, in MB; Node's default where it is not given. */
  heapMb?: number;
  /** The script that the threads run, where it is not the data thread's own. */
  file?: URL;
  /** The whole table, for a thread that starts. */
  snapshot: () => TableUpdate;
  receive: (message: FromThread) => void;
}

/** What the thread of this number gets when it starts. */
export function threadDataOf(options: ThreadsOptions, thread: number, heartbeats: Heartbeats): ThreadData {
  const { slots, stats, port, internalPort, tls, gatewayPort, host, limits, accessLog, tracing } = options;
  return {
    thread,
    threads: slots.threads,
    slots: slots.memory,
    stats: stats.memory,
    heartbeats: heartbeats.memory,
    port,
    internalPort,
    tls,
    gatewayPort,
    host,
    limits,
    accessLog: accessLog !== undefined,
    tracing: tracing?.options,
  };
}

/** The thread's file beside this one: TypeScript in a checkout, JavaScript in the bundle. */
export function threadFile(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? '../data/thread.ts' : './thread.js', import.meta.url);
}
