import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { KubeConfig } from '@kubernetes/client-node';
import { type Gcloud, gcloudOnKubernetes } from '../../operator/api/testing/gcloud.ts';
import { CORE_SERVICES } from '../../operator/kube/core.ts';
import { HELLO_IMAGE } from '../lib/services.ts';
import { useSuite } from '../lib/suite.ts';

/** What gcloud prints, in this order. */
const COMMANDS: readonly [command: string, prints: RegExp][] = [
  ['run deploy direct --image=IMAGE', /has been deployed and is serving.* 100.* percent of traffic/],
  ['run services list', /direct +\S+ +https?:\/\/direct/],
  ['run services describe direct', /Service direct in namespace/],
  ['run deploy direct --image=IMAGE --set-env-vars=A=b --no-traffic --tag=next', /serving.* 0.* percent/],
  ['run services update-traffic direct --to-latest', /100% +LATEST/],
  ['run services describe direct --format=export', /name: direct\n/],
  ['run revisions list --service=direct', /direct-00002[\s\S]*direct-00001/],
  ['run services delete direct', /is being deleted|Deleted service/],
];

/** The current context of a kubeconfig as gcloud reads it: with everything in it, for port 443 of a host. */
function atPort443(config: KubeConfig, host: string): object {
  const [cluster, user] = [config.getCurrentCluster(), config.getCurrentUser()];
  const data = (text?: string, file?: string) => text ?? readFileSync(file ?? '').toString('base64');
  const name = 'cluster';
  return {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': name,
    contexts: [{ name, context: { cluster: name, user: name } }],
    clusters: [
      {
        name,
        cluster: {
          server: `https://${host}`,
          'certificate-authority-data': data(cluster?.caData, cluster?.caFile),
        },
      },
    ],
    users: [
      {
        name,
        user: {
          'client-certificate-data': data(user?.certData, user?.certFile),
          'client-key-data': data(user?.keyData, user?.keyFile),
        },
      },
    ],
  };
}

describe('gcloud --platform=kubernetes at the API server of the cluster', function () {
  this.timeout(300_000);
  const suite = useSuite('e2e-gcloud-kubernetes');
  let gcloud: Gcloud;
  before(async () => {
    const config = new KubeConfig();
    config.loadFromDefault();
    const service = await suite.client.get(CORE_SERVICES, { namespace: 'default', name: 'kubernetes' });
    gcloud = gcloudOnKubernetes(atPort443(config, service?.spec?.clusterIP ?? ''));
  });
  after(() => gcloud?.remove());

  for (const [command, prints] of COMMANDS) {
    it(`gcloud ${command}`, async () => {
      const args = command.replace('IMAGE', HELLO_IMAGE).split(' ');
      const ask = () => gcloud.run([...args, `--namespace=${suite.namespace}`]);
      let result = await ask();
      // A controller may write a status between what gcloud reads and what it writes: then it is for the person to try again.
      for (let tries = 0; /the object has been modified/.test(result.text) && tries < 5; tries++)
        result = await ask();
      assert.equal(result.code, 0, result.text);
      assert.match(result.text, prints);
    });
  }
});
