import type { Found } from './facts.ts';

/** What `read` gives, or why it could not. */
export async function found<T>(read: () => Promise<T>): Promise<Found<T>> {
  try {
    return { found: await read() };
  } catch (error) {
    const { message, cause } = error as Error;
    // Of its own errors fetch() says no more than that it failed.
    const why = cause instanceof Error && !message.includes(cause.message) ? `: ${cause.message}` : '';
    return { unknown: `${message}${why}` };
  }
}
