import { BroadcastChannel, parentPort, workerData } from 'node:worker_threads';
import '../gateway/data/thread.ts';
import type { ThreadData } from '../gateway/data/thread.ts';
import { FAULT_CHANNEL, type Fault, type FaultMessage } from './faults.ts';

const faults: Record<Fault, () => void> = {
  throw: () => {
    setImmediate(() => {
      throw new TypeError('thrown by a test');
    });
  },
  reject: () => void Promise.reject(new TypeError('rejected by a test')),
  exit: () => process.exit(3),
  memory: () => {
    for (const held: number[][] = []; ; ) held.push(new Array(100_000).fill(held.length + 0.5));
  },
  spin: () => {
    for (;;);
  },
  // As stuck as one that spins, and takes no processor from the tests beside it.
  block: () => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0),
  linger: () => void setInterval(() => {}, 1000),
  unreadable: () => void parentPort?.emit('messageerror', new Error('unreadable by a test')),
};

// The data thread itself, with an ear for what a test wants of it.
const channel = new BroadcastChannel(FAULT_CHANNEL);
channel.unref();
channel.onmessage = (event: unknown) => {
  const message = (event as { data: FaultMessage }).data;
  const [thread, fault] = message;
  if (thread !== (workerData as ThreadData).thread) return;
  channel.postMessage(message);
  faults[fault]();
};
