import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { KubeClient } from '../../operator/kube/client.ts';
import { type KubeObject, namespaced } from '../../operator/kube/types.ts';
import type { Repository } from '../lib/gitops/repository.ts';
import { FLUX } from './kustomizations.ts';

const GIT_REPOSITORIES = namespaced('source.toolkit.fluxcd.io/v1', 'GitRepository', 'gitrepositories');

/** The GitRepository that {@link Source} keeps. */
export const SOURCE = { namespace: FLUX, name: 'shop' };

/** In the place of Flux's source-controller: serves what a repository has, and says so in the status of a GitRepository. */
export class Source {
  readonly #client: KubeClient;
  readonly #repository: Repository;
  readonly #archives = new Map<string, Buffer>();
  readonly #server: Server;

  private constructor(client: KubeClient, repository: Repository) {
    this.#client = client;
    this.#repository = repository;
    this.#server = createServer(({ url = '' }, response) => {
      const archive = this.#archives.get(url);
      response.writeHead(archive ? 200 : 404).end(archive);
    });
  }

  /** Makes the GitRepository, which has nothing yet. */
  static async create(client: KubeClient, repository: Repository): Promise<Source> {
    const source = new Source(client, repository);
    await once(source.#server.listen(0, '127.0.0.1'), 'listening');
    await client.create(GIT_REPOSITORIES, {
      apiVersion: GIT_REPOSITORIES.apiVersion,
      kind: GIT_REPOSITORIES.kind,
      metadata: SOURCE,
      spec: { url: 'https://git.example.com/shop.git', ref: { branch: 'main' }, interval: '1h' },
    } as KubeObject);
    return source;
  }

  /**
   * Lets Flux see the repository's last commit.
   * @returns the revision as Flux names it.
   */
  async publish(commit: string): Promise<string> {
    const archive = await this.#repository.archive();
    const path = `/${commit}.tar.gz`;
    this.#archives.set(path, archive);
    const { port } = this.#server.address() as AddressInfo;
    const artifact = {
      path: path.slice(1),
      url: `http://127.0.0.1:${port}${path}`,
      revision: `main@sha1:${commit}`,
      digest: `sha256:${createHash('sha256').update(archive).digest('hex')}`,
      lastUpdateTime: new Date().toISOString(),
      size: archive.length,
    };
    const status = { artifact };
    await this.#client.mergePatch(GIT_REPOSITORIES, SOURCE, { status }, { subresource: 'status' });
    return artifact.revision;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
