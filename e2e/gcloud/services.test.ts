import {
  PROJECT_COMMANDS,
  SERVICE_COMMANDS,
  testCommands,
} from '../../operator/api/testing/gcloudCommands.ts';
import { IMAGES, useGcloud } from './person.ts';

describe('commands of gcloud for services on the cluster', function () {
  this.timeout(300_000);
  const suite = useGcloud('e2e-gcloud-services');
  const commands = [...SERVICE_COMMANDS, ...PROJECT_COMMANDS];
  testCommands(commands, () => ({ gcloud: suite.gcloud, project: suite.namespace, images: IMAGES }));
});
