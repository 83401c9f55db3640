import { ApiError } from '../../errors.ts';
import { S3Error } from './errors.ts';

/** Removes what is of no use any more. Where the store fails it is swept some day: what was asked for is done, or was refused. */
export async function sweepable(remove: () => Promise<void>): Promise<void> {
  try {
    await remove();
  } catch (error) {
    if (!(error instanceof S3Error)) throw error;
  }
}

/** @throws ApiError for what the store does wrong. */
export async function answered<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw asAnswer(error);
  }
}

/** What clients are told of a store that fails: they may try again. */
export function asAnswer(error: unknown): unknown {
  if (!(error instanceof S3Error)) return error;
  return new ApiError('UNAVAILABLE', `The store of the sources fails: ${error.message}`, { cause: error });
}
