import { parseFlag, RUN } from '../../annotations.ts';
import { VISIBILITY } from '../../labels.ts';
import type { Route } from './types.ts';

/**
 * Whether a route, and its tags, answer to their names outside of the cluster. Those inside stay in any case.
 * (Knative API, Visibility; API reference, default-url-disabled)
 */
export function hasOutsideName({ metadata }: Pick<Route, 'metadata'>): boolean {
  if (metadata.labels?.[VISIBILITY] === 'cluster-local') return false;
  return parseFlag(metadata.annotations?.[RUN.defaultUrlDisabled]) !== true;
}
