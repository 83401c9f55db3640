import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KubeClient } from '../../operator/kube/client.ts';
import type { KubeObject, ResourceType } from '../../operator/kube/types.ts';
import { ApiServer } from '../../operator/testing/apiServer.ts';
import { installKinds } from '../../operator/testing/installKinds.ts';
import { NAMESPACE as SYSTEM, temporaryFolder, toolFolder } from '../chart/helm.ts';
import { Program } from '../lib/programs.ts';
import { AuditLog } from './auditLog.ts';

/** Kubernetes' own that have to do with what Homerun makes. */
const CONTROLLERS = [
  'deployment-controller',
  'replicaset-controller',
  'garbage-collector-controller',
  'namespace-controller',
  'resourcequota-controller',
];

/** Pods get addresses of loopback, where one program answers for all of them. */
const POD_CIDR = '127.128.0.0/16';
const PODS_PER_NODE = 500;

const NODES: ResourceType = { apiVersion: 'v1', kind: 'Node', plural: 'nodes', namespaced: false };
const NODE_LABEL = 'homerun.dev/fake-node';

/**
 * A cluster without a node: etcd, kube-apiserver, kube-controller-manager and kube-scheduler as they are, and kwok in the
 * place of all kubelets, which says of every pod at once that it runs.
 */
export class Cluster {
  readonly server: ApiServer;
  readonly audit: AuditLog;
  /** For files of those that use the cluster; it lasts as long as this process. */
  readonly folder: string;
  /** Rejects when a program ends that should run: one of the cluster's, or one of those that use it. */
  readonly failed: Promise<never>;
  readonly #fail: (error: Error) => void;
  readonly #programs: Program[] = [];

  private constructor(server: ApiServer, audit: AuditLog, folder: string) {
    this.server = server;
    this.audit = audit;
    this.folder = folder;
    const { promise, reject } = Promise.withResolvers<never>();
    this.failed = promise;
    this.#fail = reject;
    // Whoever waits for something else meanwhile hears of it later.
    promise.catch(() => undefined);
  }

  /** With our kinds, the operator's namespace, and nodes for so many pods. */
  static async start(pods: number): Promise<Cluster> {
    const [kube, kwok] = [toolFolder('kube'), toolFolder('kwok')];
    const folder = temporaryFolder();
    const audit = new AuditLog(folder, SYSTEM);
    const server = await ApiServer.start(audit.flags);
    const cluster = new Cluster(server, audit, folder);
    try {
      await installKinds(server, SYSTEM);
      server.startControllers(...CONTROLLERS);
      const options = join(folder, 'kwok.yaml');
      writeFileSync(options, JSON.stringify(kwokOptions));
      const kubeconfig = `--kubeconfig=${server.kubeconfig}`;
      const unlimited = ['--kube-api-qps=5000', '--kube-api-burst=5000'];
      const alone = ['--leader-elect=false', '--secure-port=0'];
      cluster.#programs.push(
        cluster.run('kube-scheduler', folder, [
          join(kube, 'kube-scheduler'),
          kubeconfig,
          ...alone,
          ...unlimited,
        ]),
        cluster.run('kwok', folder, [join(kwok, 'kwok'), kubeconfig, `--config=${options}`]),
      );
      await makeNodes(server.client, pods);
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  get client(): KubeClient {
    return this.server.client;
  }

  /** Starts a program that has to run until it is stopped. */
  run(name: string, folder: string, command: readonly string[], env: NodeJS.ProcessEnv = {}): Program {
    return new Program(name, folder, { command, env, failed: this.#fail });
  }

  async stop(): Promise<void> {
    await Promise.all(this.#programs.map((program) => program.stop()));
    await this.server.stop();
  }
}

const kwokOptions = {
  apiVersion: 'config.kwok.x-k8s.io/v1alpha1',
  kind: 'KwokConfiguration',
  options: {
    cidr: POD_CIDR,
    nodeIP: '127.0.0.1',
    manageNodesWithLabelSelector: NODE_LABEL,
    // Whoever renews a node's lease is no part of what is measured.
    nodeLeaseDurationSeconds: 0,
    podPlayStageParallelism: 32,
  },
};

async function makeNodes(client: KubeClient, pods: number): Promise<void> {
  const count = Math.ceil(pods / PODS_PER_NODE) + 1;
  for (let index = 0; index < count; index++) {
    const metadata = { name: `node-${index}`, labels: { [NODE_LABEL]: 'true' } };
    await client.create(NODES, { apiVersion: 'v1', kind: 'Node', metadata } as KubeObject);
    // What the API server gives each new node, and the node lifecycle controller takes away when it is ready.
    await client.mergePatch(NODES, metadata, { spec: { taints: null } });
  }
}
