import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseConfig } from '../../../operator/config.ts';
import { disruptionController } from '../../../operator/reconcilers/disruption/reconciler.ts';
import { RECONCILERS } from '../../../operator/reconcilers/index.ts';
import { ServingProcess } from '../../../operator/testing/servingProcess.ts';
import { type Installation, useInstallation } from '../../../operator/webhook/testing/installation.ts';
import { toolFolder } from '../../chart/helm.ts';
import { Nodes } from './nodes.ts';
import { Repository } from './repository.ts';

/** The registry of the samples, which is not asked for digests: it does not exist here. */
export const REGISTRY = 'registry.kube-system.svc';

const CONFIG = parseConfig({ registry: { skip: [REGISTRY] }, startup: { crashSeconds: 1 } });
const PARTS = [...RECONCILERS.map(({ controller }) => controller), disruptionController];
const CONTROLLERS = ['deployment', 'replicaset', 'job', 'garbage-collector'];

/** What a scenario works with, whatever follows the repository. */
export interface GitOps {
  cluster: Installation;
  repository: Repository;
  nodes: Nodes;
  startHomerun(): void;
  stopHomerun(): Promise<void>;
}

/** What applies what is in the repository. */
export interface Follower<T extends object> {
  /** The tool that it is. */
  tool: string;
  /**
   * Starts it beside an API server, and gives what a scenario needs of it.
   * @param folder where it may write.
   */
  start(suite: GitOps, folder: string): Promise<T>;
  /** Also called when it has not started, with what is there. */
  stop(started: Partial<T>): Promise<void>;
}

/**
 * Gives the scenario a real API server with Homerun and Kubernetes' own controllers, a repository, and what follows it;
 * filled in before its first test.
 */
export function useGitOps<T extends object>({ tool, start, stop }: Follower<T>): GitOps & T {
  const suite = {} as GitOps & T;
  const folder = mkdtempSync(join(tmpdir(), `homerun-${tool}-`));
  let homerun: ServingProcess | undefined;

  before(function () {
    this.timeout(1_800_000);
    toolFolder(tool);
  });
  // Before the API server ends, which is asked for below.
  after(async () => {
    await stop(suite);
    await homerun?.stop();
    await suite.nodes?.stop();
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
    server.startControllers(...CONTROLLERS.map((name) => `${name}-controller`));
    suite.startHomerun();
    suite.nodes = new Nodes(client);
    Object.assign(suite, await start(suite, folder));
  });
  return suite;
}
