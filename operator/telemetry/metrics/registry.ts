import { Registry } from '../prometheus.ts';

/** What the admin port's /metrics gives. */
export const registry = new Registry();
export const registers = [registry];

/** From a cache hit to a stuck request, in seconds. */
export const DURATIONS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
