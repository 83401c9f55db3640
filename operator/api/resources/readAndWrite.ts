import { ApiError } from '../errors.ts';

/** Another change, often of the status, may come between reading and writing. */
const TRIES = 5;

/**
 * Writes what follows from what is read, and reads again where it has changed in between.
 * @throws {ApiError} what `read` throws; of `write` also ABORTED, where each try found a change.
 */
export async function readAndWrite<C, R>(
  read: () => Promise<C>,
  write: (current: C) => Promise<R>,
): Promise<R> {
  for (let left = TRIES; ; left--) {
    const current = await read();
    try {
      return await write(current);
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== 'ABORTED' || left <= 1) throw error;
    }
  }
}
