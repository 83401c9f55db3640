import { modelOf } from '../../model.ts';
import { testManifests } from '../../testing/manifests.ts';
import { defaultJob } from './defaults.ts';
import { JOB } from './kind.ts';
import { MANIFESTS } from './manifestCases.ts';
import { validateJob } from './validation.ts';

describe('jobs as people write them', () => {
  testManifests(MANIFESTS, { validate: validateJob, fill: defaultJob, Model: modelOf(JOB) });
});
