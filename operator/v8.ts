import { setFlagsFromString } from 'node:v8';

/**
 * Keeps V8's compilers from leaving gaps in the C library's heap, which stay for good (bar "Idle: gateway under 100 MB").
 * What runs often is optimized all the same. Call it before any thread is started.
 */
export function tuneV8(): void {
  // The middle one of the compilers for JavaScript leaves 15 MB behind.
  setFlagsFromString('--no-maglev');
  // The optimizing one for WebAssembly, which is undici's parser of answers, leaves 8 MB. Ten times the default budget
  // spares the control thread of it; a data thread under load gets there within seconds.
  setFlagsFromString('--wasm-tiering-budget=130000000');
}

/**
 * Makes V8 collect old objects when they have grown by a quarter since the last time, not by several times: after a
 * flood of large requests a thread's heap is 200 MB instead of 400 MB. What one request leaves behind dies young, so
 * that ordinary load does not notice. The space for young objects stays small for the same reason, and because what was
 * read from sockets hangs on them: they are not looked at until it is full. Call it before any thread is started.
 */
export function keepHeapsSmall(): void {
  setFlagsFromString('--heap-growing-percent=25');
  setFlagsFromString('--max-semi-space-size=8');
}
