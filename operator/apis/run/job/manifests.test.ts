import { Job as JobModel } from '../../models/run.googleapis.com/v1/Job.ts';
import { testManifests } from '../../testing/manifests.ts';
import { defaultJob } from './defaults.ts';
import { MANIFESTS } from './manifestCases.ts';
import { validateJob } from './validation.ts';

describe('jobs as people write them', () => {
  testManifests(MANIFESTS, { validate: validateJob, fill: defaultJob, Model: JobModel });
});
