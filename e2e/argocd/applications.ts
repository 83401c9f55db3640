import { isDeepStrictEqual } from 'node:util';
import type { KubeClient } from '../../operator/kube/client.ts';
import { type KubeObject, namespaced } from '../../operator/kube/types.ts';
import { until } from '../../operator/testing/until.ts';
import { Watched } from '../lib/gitops/watched.ts';

/** Where Argo CD and its applications are. */
export const ARGOCD = 'argocd';

/** What Argo CD shows of an object. */
interface Resource {
  kind: string;
  name: string;
  status?: 'Synced' | 'OutOfSync' | 'Unknown';
  health?: { status: string; message?: string };
  hook?: boolean;
}

/** What is read of an Argo CD Application. */
export interface Application extends KubeObject {
  status?: {
    sync?: { status: string; revision?: string };
    health?: { status: string };
    resources?: Resource[];
    operationState?: {
      phase: 'Running' | 'Succeeded' | 'Failed' | 'Error' | 'Terminating';
      message?: string;
      startedAt: string;
      syncResult?: { revision: string; resources?: { kind: string; hookPhase?: string; message?: string }[] };
    };
  };
}

const APPLICATIONS = namespaced<Application>('argoproj.io/v1alpha1', 'Application', 'applications');
const REFRESH = 'argocd.argoproj.io/refresh';

/** The applications of an Argo CD, and what it has shown of them since. */
export class Applications {
  readonly #client: KubeClient;
  readonly #watched: Watched<Application>;

  /** @param log what Argo CD has logged, for errors. */
  constructor(client: KubeClient, log: () => string) {
    this.#client = client;
    const note = (application: Application) =>
      Object.fromEntries(
        Object.entries(shown(application)).map(([resource, status]) => [
          `${application.metadata.name} ${resource}`,
          status,
        ]),
      );
    this.#watched = new Watched({ client, type: APPLICATIONS, namespace: ARGOCD, note, log });
  }

  /** Makes one that follows the folder of its name by itself, prunes, and undoes what others change. */
  async create(name: string, repoURL: string, namespace: string, syncOptions: string[] = []): Promise<void> {
    const { apiVersion, kind } = APPLICATIONS;
    const finalizers = ['resources-finalizer.argocd.argoproj.io'];
    const made = {
      apiVersion,
      kind,
      metadata: { name, namespace: ARGOCD, finalizers },
      spec: {
        project: 'default',
        source: { repoURL, path: name, targetRevision: 'main' },
        destination: { server: 'https://kubernetes.default.svc', namespace },
        syncPolicy: { automated: { prune: true, selfHeal: true }, syncOptions },
      },
    };
    await this.#client.create(APPLICATIONS, made);
  }

  /** Deletes one with all that it has made; resolves when it is gone. */
  delete(name: string): Promise<void> {
    return this.#watched.delete(name);
  }

  /** Lets Argo CD read Git and compare, as a webhook of Git does; resolves when it has. */
  async refresh(name: string, type: 'normal' | 'hard' = 'normal'): Promise<void> {
    const ref = { namespace: ARGOCD, name };
    await this.#client.mergePatch(APPLICATIONS, ref, { metadata: { annotations: { [REFRESH]: type } } });
    await until(`${name} is refreshed`, async () => {
      const found = await this.#client.get(APPLICATIONS, ref);
      return found && found.metadata.annotations?.[REFRESH] === undefined;
    });
  }

  /**
   * Waits until Argo CD shows an application so.
   * @throws with all that it shows and has logged.
   */
  shows(name: string, what: string, is: (found: Application) => boolean): Promise<Application> {
    return this.#watched.becomes(name, what, is);
  }

  /**
   * Lets Argo CD see a commit, and waits until all is as the commit has it.
   * @param health Kind/name -> the health that Argo CD shows of each object then.
   */
  async follows(name: string, commit: string, health: Record<string, string>): Promise<void> {
    await this.refresh(name);
    const wanted = Object.fromEntries(
      Object.entries(health).map(([resource, status]) => [resource, `Synced ${status}`]),
    );
    await this.shows(name, `it has ${commit}, ${JSON.stringify(health)}`, (found) => {
      const { sync, operationState } = found.status ?? {};
      const isApplied =
        operationState?.phase === 'Succeeded' && operationState.syncResult?.revision === commit;
      return isApplied && sync?.revision === commit && isDeepStrictEqual(shown(found), wanted);
    });
  }

  /** What Argo CD has shown of an object of an application, without repetitions. */
  seen(name: string, resource: string): string[] {
    return this.#watched.seen(`${name} ${resource}`);
  }

  stop(): Promise<void> {
    return this.#watched.stop();
  }
}

/** Kind/name -> what Argo CD shows of each object in Git: whether it is in sync, and its health. */
export function shown({ status }: Application): Record<string, string> {
  const inGit = (status?.resources ?? []).filter(({ hook }) => !hook);
  return Object.fromEntries(
    inGit.map(({ kind, name, status, health }) => [`${kind}/${name}`, `${status} ${health?.status}`]),
  );
}
