import { BroadcastChannel, parentPort, workerData } from 'node:worker_threads';
import { DataPlane } from './dataPlane.ts';
import type { Limits } from './limits.ts';
import { type FromThread, type ToThread, WAKE_CHANNEL, type WakeMessage } from './messages.ts';
import { Slots } from './slots.ts';
import { Stats } from './stats.ts';

/** What the control thread hands to a data thread. */
export interface ThreadData {
  thread: number;
  threads: number;
  slots: SharedArrayBuffer;
  stats: SharedArrayBuffer;
  port: number;
  internalPort: number;
  host: string | undefined;
  limits: Limits;
}

/** The body of a data thread. It listens from the moment when it has its first table. */
function run(control: NonNullable<typeof parentPort>, data: ThreadData): void {
  const link = { send: (message: FromThread) => control.postMessage(message) };
  const places = new BroadcastChannel(WAKE_CHANNEL);
  const plane = new DataPlane({
    thread: data.thread,
    slots: new Slots(data.slots, data.threads),
    stats: new Stats(data.stats, data.threads),
    link,
    limits: data.limits,
    wake: (thread, revision) => places.postMessage([thread, revision] satisfies WakeMessage),
  });
  places.onmessage = (event: unknown) => {
    const [thread, revision] = (event as { data: WakeMessage }).data;
    if (thread === data.thread) plane.wakened(revision);
  };
  let listening = false;
  control.on('message', (message: ToThread) => {
    if (message.kind === 'update') {
      plane.apply(message);
      if (listening) return;
      listening = true;
      const { port, internalPort, host, threads } = data;
      const listen = plane.listen({ port, internalPort, host, reusePort: threads > 1 });
      // A port that cannot be had ends the thread, which the control thread notices.
      void listen.then(() => link.send({ kind: 'listening' }));
    } else if (message.kind === 'closing') {
      plane.closing();
    } else if (message.kind === 'shed') {
      plane.shed(message.share);
    } else {
      void plane.stop(message.graceMs).then(() => {
        link.send({ kind: 'stopped' });
        places.close();
        control.close();
      });
    }
  });
}

if (parentPort) run(parentPort, workerData as ThreadData);
