import { type Project, projectId, projectNumber } from '../apis/identity.ts';
import type { KubeClient } from '../kube/client.ts';
import { NAMESPACES } from '../kube/core.ts';
import type { RoleConfig } from '../roles.ts';

/** A namespace that is created again has another UID; its number may be the old one for so long. */
const KEPT_MS = 60_000;

type ProjectsConfig = Pick<RoleConfig<'metadata'>['metadata'], 'projectId' | 'projectNumbers'>;

/** The Google projects that namespaces stand for. */
export class Projects {
  readonly #client: Pick<KubeClient, 'get'>;
  readonly #config: ProjectsConfig;
  readonly #now: () => number;
  readonly #numbers = new Map<string, { number: Promise<string>; readAt: number }>();

  constructor(client: Pick<KubeClient, 'get'>, config: ProjectsConfig, now: () => number = Date.now) {
    this.#client = client;
    this.#config = config;
    this.#now = now;
  }

  /** @throws {KubeError} when the API server cannot be asked for a namespace that is not cached. */
  async of(namespace: string): Promise<Project> {
    return { id: projectId(this.#config.projectId, namespace), number: await this.#numberOf(namespace) };
  }

  #numberOf(namespace: string): Promise<string> {
    const { projectNumbers } = this.#config;
    if (Object.hasOwn(projectNumbers, namespace)) return Promise.resolve(projectNumbers[namespace] ?? '');
    const known = this.#numbers.get(namespace);
    if (known && this.#now() - known.readAt < KEPT_MS) return known.number;
    const number = this.#read(namespace);
    this.#numbers.set(namespace, { number, readAt: this.#now() });
    number.catch(() => this.#numbers.delete(namespace));
    return number;
  }

  async #read(namespace: string): Promise<string> {
    const found = await this.#client.get(NAMESPACES, { name: namespace });
    return projectNumber(found?.metadata.uid ?? namespace);
  }
}
