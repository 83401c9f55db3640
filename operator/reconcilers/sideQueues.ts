/** What goes on beside the reconciles of a controller and remembers something of a key. */
export interface SideQueue {
  forget(key: string): void;
}

/** The side queues of a controller by name, and one `forget` that drops what all of them remember of a key. */
export function sideQueues<Q extends Record<string, SideQueue>>(queues: Q): Q & SideQueue {
  return {
    ...queues,
    forget(key) {
      for (const queue of Object.values(queues)) queue.forget(key);
    },
  };
}
