import { BroadcastChannel, parentPort, workerData } from 'node:worker_threads';
import { GarbageCollection } from '../shared/garbage.ts';
import { Heartbeats, startHeart } from '../shared/heartbeat.ts';
import type { Limits } from '../shared/limits.ts';
import { type FromThread, type ToThread, WAKE_CHANNEL, type WakeMessage } from '../shared/messages.ts';
import { Slots } from '../shared/slots.ts';
import { Stats } from '../shared/stats.ts';
import { DataPlane } from './dataPlane.ts';
import type { TlsOptions } from './listeners.ts';
import type { TracingOptions } from './tracer.ts';

/** What the control thread hands to a data thread. */
export interface ThreadData {
  thread: number;
  threads: number;
  slots: SharedArrayBuffer;
  stats: SharedArrayBuffer;
  heartbeats: SharedArrayBuffer;
  port: number;
  internalPort: number;
  /** Unset where no certificates are configured. */
  tls: (TlsOptions & { port: number }) | undefined;
  gatewayPort: number | undefined;
  host: string | undefined;
  limits: Limits;
  accessLog: boolean;
  /** Unset where requests are not traced. */
  tracing: TracingOptions | undefined;
}

/**
 * The body of a data thread. It listens once it has its first table. An uncaught error ends it, and the control thread
 * replaces it (threads.ts).
 */
function run(control: NonNullable<typeof parentPort>, data: ThreadData): void {
  const heartbeats = new Heartbeats(data.heartbeats);
  startHeart(heartbeats, data.thread);
  process.on('uncaughtExceptionMonitor', (_error, origin) => heartbeats.fatal(data.thread, origin));
  const link = { send: (message: FromThread) => control.postMessage(message) };
  const wakes = new BroadcastChannel(WAKE_CHANNEL);
  const plane = new DataPlane({
    thread: data.thread,
    slots: new Slots(data.slots, data.threads),
    stats: new Stats(data.stats, data.threads),
    link,
    limits: data.limits,
    accessLog: data.accessLog,
    tracing: data.tracing,
    tls: data.tls,
    wake: (thread, revision) => wakes.postMessage([thread, revision] satisfies WakeMessage),
  });
  wakes.onmessage = (event: unknown) => {
    const [thread, revision] = (event as { data: WakeMessage }).data;
    if (thread === data.thread) plane.wake(revision);
  };
  const garbage = new GarbageCollection();
  let listening = false;
  control.on('message', (message: ToThread) => {
    if (message.kind === 'update') {
      plane.apply(message);
      garbage.changed(message.hosts.length + message.revisions.length + message.instances.length);
      if (listening) return;
      listening = true;
      const { port, internalPort, tls, gatewayPort, host, threads } = data;
      const tlsPort = tls?.port;
      const listen = plane.listen({
        port,
        internalPort,
        tlsPort,
        gatewayPort,
        host,
        reusePort: threads > 1,
      });
      listen.then(() => link.send({ kind: 'listening' })).catch(end);
    } else if (message.kind === 'logged') {
      plane.logged();
    } else if (message.kind === 'spansTaken') {
      plane.spansTaken();
    } else if (message.kind === 'closing') {
      plane.closing();
    } else if (message.kind === 'shed') {
      plane.shed(message.share);
    } else if (message.kind === 'stop') {
      const stopped = plane.stop(message.graceMs).then(() => {
        link.send({ kind: 'stopped' });
        wakes.close();
        control.close();
      });
      stopped.catch(end);
    }
  });
  // Without the update the table would stay wrong; the replacement gets the whole table.
  control.on('messageerror', end);
}

/** Ends the thread with this error, outside of the promise that rejected with it. */
function end(error: Error): void {
  setImmediate(() => {
    throw error;
  });
}

if (parentPort) run(parentPort, workerData as ThreadData);
