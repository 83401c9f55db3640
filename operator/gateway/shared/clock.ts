// `performance.now()` counts from the start of its own thread; the monotonic system clock is the same for all.
const [seconds, nanoseconds] = process.hrtime();
const offset = seconds * 1000 + nanoseconds / 1e6 - performance.now();

/** Milliseconds on a clock that never goes back and that all threads of the process share. Not Unix time. */
export function clock(): number {
  return performance.now() + offset;
}

/** Unix time in ms of a moment on {@link clock}. */
export function unixTime(moment: number): number {
  return Math.round(unixTimeOffset() + moment);
}

/** What is added to a moment on {@link clock} for its Unix time in ms. */
export function unixTimeOffset(): number {
  return Date.now() - clock();
}
