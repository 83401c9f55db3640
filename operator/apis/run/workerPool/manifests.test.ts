import { modelOf } from '../../model.ts';
import { testManifests } from '../../testing/manifests.ts';
import { defaultWorkerPool } from './defaults.ts';
import { WORKER_POOL } from './kind.ts';
import { MANIFESTS } from './manifestCases.ts';
import { validateWorkerPool } from './validation.ts';

describe('worker pools as people write them', () => {
  testManifests(MANIFESTS, {
    validate: (pool: Parameters<typeof validateWorkerPool>[0]) => validateWorkerPool(pool),
    fill: defaultWorkerPool,
    Model: modelOf(WORKER_POOL),
  });
});
