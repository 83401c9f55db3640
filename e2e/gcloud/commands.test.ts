import { testCommands } from '../../operator/api/testing/gcloudCommands.ts';
import { HELLO_IMAGE } from '../lib/services.ts';
import { useGcloud } from './person.ts';

const IMAGES = {
  IMAGE: HELLO_IMAGE,
  IMAGE2: 'registry.kube-system.svc/hello:2',
  BROKEN: 'registry.kube-system.svc/hello:no-such-tag',
  ENDING: HELLO_IMAGE,
  ENDLESS: HELLO_IMAGE,
};

describe('commands of gcloud on the cluster', function () {
  this.timeout(300_000);
  const suite = useGcloud('e2e-gcloud-commands');
  testCommands(() => ({ gcloud: suite.gcloud, project: suite.namespace, images: IMAGES }));
});
