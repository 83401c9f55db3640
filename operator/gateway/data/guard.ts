/** An object whose callbacks are called by streams, timers and other requests. */
export interface Guarded {
  /** One of its callbacks threw: it ends, and nothing else does. */
  onError(error: unknown): void;
}

/**
 * Wraps callbacks, so that what a client or an instance sends can at worst end its own exchange, and never the thread. It
 * wraps the methods of the class once, and costs a request no allocation.
 */
export function guardCallbacks<T extends Guarded>(type: { prototype: T }, names: readonly (keyof T)[]): void {
  const methods = type.prototype as Record<keyof T, unknown>;
  for (const name of names) {
    const callback = methods[name] as (this: T, ...args: unknown[]) => unknown;
    methods[name] = function guarded(this: T, ...args: unknown[]): unknown {
      try {
        return callback.apply(this, args);
      } catch (error) {
        this.onError(error);
        return undefined;
      }
    };
  }
}
