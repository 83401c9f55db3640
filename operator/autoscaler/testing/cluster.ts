import { createServer, type Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { SERVING } from '../../apis/labels.ts';
import { DEPLOYMENTS, type Deployment, PODS, type Pod } from '../../kube/core.ts';
import { keyOf, refOf } from '../../kube/types.ts';
import type { FakeApiServer } from '../../testing/fakeApiServer.ts';
import { DELETION_COST } from '../deletionCost.ts';

/**
 * What Kubernetes does of a Deployment's number, as far as a scale-in needs it: makes and deletes pods, the cheapest
 * first and of those the youngest, a moment after the number has changed. A pod is a program on a loopback address of its own. Unlike the kubelet
 * it ends a program, with all its connections, at the very moment when its pod is deleted.
 */
export class Cluster {
  /** Pods deleted so far. */
  deleted = 0;
  readonly #server: FakeApiServer;
  readonly #port: number;
  readonly #delayMs: () => number;
  readonly #programs = new Map<string, Server>();
  readonly #busy = new Map<string, Promise<void>>();
  readonly #again = new Set<string>();
  #made = 0;

  /**
   * @param port at which every program listens.
   * @param delayMs how long Kubernetes takes, asked anew each time.
   */
  constructor(server: FakeApiServer, port: number, delayMs: () => number) {
    this.#server = server;
    this.#port = port;
    this.#delayMs = delayMs;
    server.storage.listeners.add(({ type, after, deleted }) => {
      if (type.plural === DEPLOYMENTS.plural && !deleted) this.#enqueue(keyOf(after.metadata));
    });
  }

  podsOf(revision: string): Pod[] {
    return this.#server.list(PODS).filter(({ metadata }) => metadata.labels?.[SERVING.revision] === revision);
  }

  async close(): Promise<void> {
    await Promise.all(this.#busy.values());
    for (const name of [...this.#programs.keys()]) this.#end(name);
  }

  #enqueue(key: string): void {
    if (this.#busy.has(key)) {
      this.#again.add(key);
      return;
    }
    const work = this.#work(key).finally(() => this.#busy.delete(key));
    this.#busy.set(key, work);
  }

  async #work(key: string): Promise<void> {
    do {
      this.#again.delete(key);
      await sleep(this.#delayMs());
      const deployment = this.#server.get(DEPLOYMENTS, refOf(key));
      if (deployment) await this.#scale(deployment);
    } while (this.#again.has(key));
  }

  async #scale(deployment: Deployment): Promise<void> {
    const revision = deployment.metadata.labels?.[SERVING.revision] ?? '';
    const pods = this.podsOf(revision);
    const replicas = deployment.spec?.replicas ?? 1;
    const surplus = Math.max(0, pods.length - replicas);
    const inOrder = pods.sort((a, b) => costOf(a) - costOf(b) || numberOf(b) - numberOf(a));
    for (const pod of inOrder.slice(0, surplus)) {
      this.#end(pod.metadata.name);
      this.#server.remove(PODS, pod.metadata);
      this.deleted++;
    }
    for (let missing = replicas - pods.length; missing > 0; missing--) await this.#make(deployment, revision);
    const { generation } = deployment.metadata;
    const live = this.#server.get(DEPLOYMENTS, deployment.metadata);
    if (!live || live.status?.observedGeneration === generation) return;
    const status = { ...live.status, observedGeneration: generation, replicas };
    this.#server.put({ ...live, status } as Deployment);
  }

  async #make({ metadata }: Deployment, revision: string): Promise<void> {
    const number = ++this.#made;
    const name = `${revision}-${number}`;
    const podIP = `127.${10 + (number >> 14)}.${(number >> 7) & 127}.${1 + (number & 127)}`;
    const program = createServer((request, response) => {
      setTimeout(() => response.end('done'), Number(request.headers['x-work-ms'] ?? 0));
    });
    this.#programs.set(name, program);
    await new Promise<void>((resolve) => program.listen(this.#port, podIP, resolve));
    this.#server.put({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: metadata.namespace, labels: metadata.labels },
      spec: { containers: [{ name: 'app' }] },
      status: {
        phase: 'Running',
        podIP,
        conditions: [{ type: 'Ready', status: 'True' }],
        containerStatuses: [{ name: 'app', containerID: name, ready: true, state: { running: {} } }],
      },
    } as unknown as Pod);
  }

  #end(name: string): void {
    const program = this.#programs.get(name);
    this.#programs.delete(name);
    program?.close();
    program?.closeAllConnections();
  }
}

function costOf({ metadata }: Pod): number {
  return Number(metadata.annotations?.[DELETION_COST] ?? 0);
}

function numberOf({ metadata }: Pod): number {
  return Number(metadata.name.split('-').at(-1));
}
