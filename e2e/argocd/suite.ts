import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseConfig } from '../../operator/config.ts';
import { disruptionController } from '../../operator/reconcilers/disruption/reconciler.ts';
import { RECONCILERS } from '../../operator/reconcilers/index.ts';
import { ServingProcess } from '../../operator/testing/servingProcess.ts';
import { type Installation, useInstallation } from '../../operator/webhook/testing/installation.ts';
import { toolFolder } from '../chart/helm.ts';
import type { Programs } from '../lib/programs.ts';
import { Applications } from './applications.ts';
import { Nodes } from './nodes.ts';
import { installArgoCd, startArgoCd } from './programs.ts';
import { Repository } from './repository.ts';

/** The registry of the samples, which is not asked for digests: it does not exist here. */
export const REGISTRY = 'registry.kube-system.svc';

const CONFIG = parseConfig({ registry: { skip: [REGISTRY] }, startup: { crashSeconds: 1 } });
const PARTS = [...RECONCILERS.map(({ controller }) => controller), disruptionController];
const CONTROLLERS = ['deployment', 'replicaset', 'job', 'garbage-collector'];

/** What a scenario of Argo CD works with. */
export interface Suite {
  cluster: Installation;
  repository: Repository;
  applications: Applications;
  nodes: Nodes;
  startHomerun(): void;
  stopHomerun(): Promise<void>;
}

/**
 * Gives the scenario a real API server with Homerun and Kubernetes' own controllers, Argo CD, and a repository for it;
 * filled in before its first test.
 */
export function useArgoCd(): Suite {
  const suite = {} as Suite;
  const folder = mkdtempSync(join(tmpdir(), 'homerun-argocd-'));
  let argocd: Programs | undefined;
  let homerun: ServingProcess | undefined;

  before(function () {
    this.timeout(1_800_000);
    toolFolder('argocd-controllers');
  });
  // Before the API server ends, which is asked for below.
  after(async () => {
    await argocd?.stop();
    await homerun?.stop();
    await suite.nodes?.stop();
    await suite.applications?.stop();
    rmSync(folder, { recursive: true });
  });
  suite.cluster = useInstallation();
  suite.startHomerun = () => {
    homerun = new ServingProcess(suite.cluster, PARTS, CONFIG);
  };
  suite.stopHomerun = async () => homerun?.stop();

  before(async () => {
    const { server, client } = suite.cluster;
    suite.repository = await Repository.create(folder);
    await installArgoCd(server);
    server.startControllers(...CONTROLLERS.map((name) => `${name}-controller`));
    suite.startHomerun();
    suite.nodes = new Nodes(client);
    const programs = await startArgoCd(server, folder);
    argocd = programs;
    suite.applications = new Applications(client, () => programs.log());
  });
  return suite;
}
