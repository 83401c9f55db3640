import { JOB_COMMANDS, POOL_COMMANDS, testCommands } from '../../operator/api/testing/gcloudCommands.ts';
import { IMAGES, useGcloud } from './person.ts';

describe('commands of gcloud for jobs and worker pools on the cluster', function () {
  this.timeout(300_000);
  const suite = useGcloud('e2e-gcloud-jobs');
  const commands = [...JOB_COMMANDS, ...POOL_COMMANDS];
  testCommands(commands, () => ({ gcloud: suite.gcloud, project: suite.namespace, images: IMAGES }));
});
