import { inBytes } from '../../source/limits.ts';
import { ApiError } from '../errors.ts';
import type { StoreLimits } from './store.ts';

/**
 * Holds the size of an object against what it may have, and against what its bucket still takes (`room`, bytes). Pure.
 * @throws {ApiError} RESOURCE_EXHAUSTED
 */
export function demandRoom(size: number, room: number, bucket: string, limits: StoreLimits): void {
  const { objectBytes, bucketBytes } = limits;
  if (size > objectBytes) {
    throw new ApiError(
      'RESOURCE_EXHAUSTED',
      `An object may have ${inBytes(objectBytes)}; this one has more.`,
    );
  }
  if (size > room) {
    const message = `Bucket '${bucket}' may have ${inBytes(bucketBytes)} in all its objects: delete some that are not needed.`;
    throw new ApiError('RESOURCE_EXHAUSTED', message);
  }
}

/**
 * Holds what an upload has become (bytes) against what the request that ends it has counted: two that write at once make
 * something that nobody has sent. Pure.
 * @throws {ApiError} ABORTED
 */
export function demandWhole(size: number, counted: number): void {
  if (size === counted) return;
  const message = `The upload has ${size} bytes, and not ${counted}: another request has written to it meanwhile; begin the upload again.`;
  throw new ApiError('ABORTED', message);
}
