import type { Condition } from '../../operator/apis/condition.ts';
import type { KubeClient } from '../../operator/kube/client.ts';
import { type KubeObject, namespaced } from '../../operator/kube/types.ts';
import { Watched } from '../lib/gitops/watched.ts';

/** Where Flux, its sources and its Kustomizations are. */
export const FLUX = 'flux-system';

/** What is read of a Kustomization. */
export interface Kustomization extends KubeObject {
  spec: object;
  status?: {
    conditions?: (Condition & { observedGeneration?: number })[];
    lastAttemptedRevision?: string;
    lastHandledReconcileAt?: string;
  };
}

const KUSTOMIZATIONS = namespaced<Kustomization>(
  'kustomize.toolkit.fluxcd.io/v1',
  'Kustomization',
  'kustomizations',
);
/** Flux itself waits for 30 s at least before it says that an object is not healthy. */
const PATIENCE_MS = 90_000;
const RECONCILE = 'reconcile.fluxcd.io/requestedAt';

/** The Kustomizations of a Flux, and what it has said of them since. */
export class Kustomizations {
  readonly #client: KubeClient;
  readonly #watched: Watched<Kustomization>;
  #requests = 0;

  /** @param log what Flux has logged, for errors. */
  constructor(client: KubeClient, log: () => string) {
    this.#client = client;
    const note = ({ metadata: { name }, status }: Kustomization) => ({
      [name]: readyOf(status)?.status ?? 'Unknown',
    });
    this.#watched = new Watched({ client, type: KUSTOMIZATIONS, namespace: FLUX, note, log });
  }

  async create(name: string, spec: object): Promise<void> {
    const { apiVersion, kind } = KUSTOMIZATIONS;
    await this.#client.create(KUSTOMIZATIONS, {
      apiVersion,
      kind,
      metadata: { namespace: FLUX, name },
      spec,
    });
  }

  /** Deletes one with all that it has made; resolves when it is gone. */
  delete(name: string): Promise<void> {
    return this.#watched.delete(name);
  }

  /** Lets Flux reconcile one as `flux reconcile` does; resolves when it has. */
  async reconcile(name: string): Promise<void> {
    const request = `${++this.#requests}`;
    const metadata = { annotations: { [RECONCILE]: request } };
    await this.#client.mergePatch(KUSTOMIZATIONS, { namespace: FLUX, name }, { metadata });
    await this.says(name, 'it is reconciled', ({ status }) => status?.lastHandledReconcileAt === request);
  }

  /**
   * Waits until Flux says so of one.
   * @throws with all that it says and has logged.
   */
  says(
    name: string,
    what: string,
    is: (found: Kustomization) => boolean | undefined,
  ): Promise<Kustomization> {
    return this.#watched.becomes(name, what, is, PATIENCE_MS);
  }

  /** Waits until Flux has done what it can for one, as it is now, with a revision; gives what it says then. */
  async outcome(name: string, revision: string): Promise<{ ok: boolean; message: string }> {
    const found = await this.says(name, `it has tried ${revision}`, ({ metadata, status }) => {
      const { status: isReady, observedGeneration } = readyOf(status) ?? {};
      const isOver = isReady !== 'Unknown' && observedGeneration === metadata.generation;
      return isOver && status?.lastAttemptedRevision === revision;
    });
    const { status, message = '' } = readyOf(found.status) ?? {};
    return { ok: status === 'True', message };
  }

  /** Waits until Flux says that one waits for another. */
  async waits(name: string, other: string): Promise<void> {
    const isWaiting = new RegExp(`^dependency '${FLUX}/${other}' .*not `);
    await this.says(name, `it waits for ${other}`, ({ status }) =>
      isWaiting.test(readyOf(status)?.message ?? ''),
    );
  }

  /** What its condition Ready has been, without repetitions. */
  seen(name: string): string[] {
    return this.#watched.seen(name);
  }

  stop(): Promise<void> {
    return this.#watched.stop();
  }
}

function readyOf(status: Kustomization['status']) {
  return status?.conditions?.find(({ type }) => type === 'Ready');
}
