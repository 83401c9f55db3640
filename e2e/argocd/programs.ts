import { join } from 'node:path';
import { CONFIG_MAPS } from '../../operator/kube/core.ts';
import { type KubeObject, namespaced } from '../../operator/kube/types.ts';
import type { ApiServer } from '../../operator/testing/apiServer.ts';
import { freePort } from '../../operator/testing/freePort.ts';
import { makeNamespaces } from '../../operator/testing/installKinds.ts';
import { toolFolder } from '../chart/helm.ts';
import { Programs } from '../lib/programs.ts';
import { kubectl, sourceFolder } from '../lib/tools.ts';
import { ARGOCD } from './applications.ts';
import { SETTINGS } from './page.ts';

const MODULE = 'github.com/argoproj/argo-cd/v3';

/** The project that Argo CD's API server makes when it starts. */
const PROJECT = {
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'AppProject',
  metadata: { name: 'default', namespace: ARGOCD },
  spec: {
    sourceRepos: ['*'],
    destinations: [{ namespace: '*', server: '*' }],
    clusterResourceWhitelist: [{ group: '*', kind: '*' }],
  },
} as KubeObject;
const PROJECTS = namespaced(PROJECT.apiVersion, PROJECT.kind, 'appprojects');

/**
 * Makes Argo CD's kinds and its configuration on an API server: its own manifests, with what docs/argocd.md adds to
 * them.
 */
export async function installArgoCd(server: ApiServer): Promise<void> {
  const manifests = join(sourceFolder(import.meta.dirname, MODULE), 'manifests');
  const kinds = ['application', 'appproject'].flatMap((name) => [
    '-f',
    join(manifests, `crds/${name}-crd.yaml`),
  ]);
  await makeNamespaces(server, ARGOCD);
  await kubectl(server, ['apply', '--server-side', ...kinds]);
  await kubectl(server, ['apply', '--namespace', ARGOCD, '--kustomize', join(manifests, 'base/config')]);
  const ref = { namespace: ARGOCD, name: 'argocd-cm' };
  await server.client.mergePatch(CONFIG_MAPS, ref, { data: SETTINGS });
  await kubectl(server, ['wait', 'crd', '--all', '--for=condition=Established']);
  await server.client.create(PROJECTS, PROJECT);
}

/**
 * Starts Argo CD beside an API server: what compares and applies, what reads repositories, and their Redis.
 * @param folder where they write.
 */
export async function startArgoCd({ kubeconfig }: ApiServer, folder: string): Promise<Programs> {
  const argocd = join(toolFolder('argocd-controllers'), 'argocd-controllers');
  const [redis, repositories, repositoryMetrics, metrics] = await Promise.all(
    Array.from({ length: 4 }, freePort),
  );
  const address = (port?: number) => `127.0.0.1:${port}`;
  const programs = new Programs(folder);
  const redisOptions = ['--bind', '127.0.0.1', '--port', `${redis}`, '--save', '', '--appendonly', 'no'];
  programs.run('redis', [join(import.meta.dirname, 'redis'), ...redisOptions]);
  const env = {
    KUBECONFIG: kubeconfig,
    // The cluster in which an Argo CD runs is found through the account of its pod; this one has none.
    ARGOCD_FAKE_IN_CLUSTER: 'true',
    ARGOCD_GPG_ENABLED: 'false',
    ARGOCD_ASK_PASS_SOCK: join(folder, 'ask-pass.sock'),
    TMPDIR: folder,
  };
  const common = [`--redis=${address(redis)}`, '--loglevel=info', '--logformat=text'];
  const server = [
    '--address=127.0.0.1',
    `--port=${repositories}`,
    '--metrics-address=127.0.0.1',
    `--metrics-port=${repositoryMetrics}`,
    '--disable-tls',
  ];
  programs.run('argocd-repo-server', [argocd, 'argocd-repo-server', ...common, ...server], env);
  const controller = [
    `--namespace=${ARGOCD}`,
    `--repo-server=${address(repositories)}`,
    '--repo-server-plaintext',
    `--metrics-port=${metrics}`,
    // Health is seen by object.
    '--persist-resource-health',
  ];
  const name = 'argocd-application-controller';
  programs.run(name, [argocd, name, ...common, ...controller], env);
  return programs;
}
