import { type Gcloud, gcloudFor } from '../../operator/api/testing/gcloud.ts';
import type { Images } from '../../operator/api/testing/gcloudCommands.ts';
import { apiPerson } from '../lib/apiPerson.ts';
import { HELLO_IMAGE } from '../lib/services.ts';
import { type Suite, useSuite } from '../lib/suite.ts';

/** Images of the cluster's registry, for the commands that every suite can run. */
export const IMAGES: Images = {
  IMAGE: HELLO_IMAGE,
  IMAGE2: 'registry.kube-system.svc/hello:2',
  BROKEN: 'registry.kube-system.svc/hello:no-such-tag',
  ENDING: HELLO_IMAGE,
  ENDLESS: HELLO_IMAGE,
};

/** What a suite of gcloud's works with; filled in before its first test. */
export interface GcloudSuite extends Suite {
  gcloud: Gcloud;
}

/** Gives the suite a namespace, and gcloud as a person who may do everything there. */
export function useGcloud(namespace: string): GcloudSuite {
  const suite = useSuite(namespace) as GcloudSuite;
  before(async () => {
    suite.gcloud = await gcloudOf(suite);
  });
  after(() => suite.gcloud?.remove());
  return suite;
}

async function gcloudOf(suite: Suite): Promise<Gcloud> {
  const { namespace } = suite;
  return gcloudFor({ ...(await apiPerson(suite)), port: 443, project: namespace, region: 'local-cluster1' });
}
