import type { IdentityConfig } from '../../apis/identity.ts';
import { SERVICES } from '../../apis/serving/service/types.ts';
import { type KubeClient, type Method, resourcePath } from '../../kube/client.ts';
import type { Query } from '../../kube/transport.ts';
import type { KubeObject, ResourceType } from '../../kube/types.ts';
import { type Action, actAsDenied, isMissingPermission, permissionDenied } from '../authorization.ts';
import { FIELD_MANAGER } from '../fieldManager.ts';
import { hasPermission, mayActAs } from '../iam/handlers.ts';
import { failureOf, notFound, resourceName, withPermission } from './failure.ts';
import { changesInvokerCheck, withInvoker } from './invoker.ts';
import type { Page, Person, Resources } from './resources.ts';
import { serviceIdentityOf } from './serviceIdentity.ts';

type Deletion = NonNullable<Parameters<Resources['delete']>[2]>;

function isService({ apiVersion, kind }: ResourceType): boolean {
  return apiVersion === SERVICES.apiVersion && kind === SERVICES.kind;
}

/** {@link Resources} in the cluster. */
export class KubeResources implements Resources {
  readonly namespace: string;
  readonly person: Person;
  /** Acts as the person. */
  readonly #client: KubeClient;
  readonly #config: IdentityConfig;

  constructor(client: KubeClient, person: Person, namespace: string, config: IdentityConfig) {
    this.#client = client;
    this.#config = config;
    this.person = person;
    this.namespace = namespace;
  }

  async get<T extends KubeObject>(type: ResourceType<T>, name: string): Promise<T> {
    const { namespace } = this;
    const found = await this.#attempt('get', type, name, () => this.#client.get(type, { namespace, name }));
    if (!found) throw notFound({ action: 'get', type, namespace, name });
    return found;
  }

  list<T extends KubeObject>(type: ResourceType<T>, page: Page = {}) {
    const { namespace } = this;
    return this.#attempt('list', type, undefined, () => this.#client.list(type, { namespace, ...page }));
  }

  async create<T extends KubeObject>(type: ResourceType<T>, object: Partial<T>, { dryRun = false } = {}) {
    const written = isService(type) ? withInvoker(object) : object;
    if (isService(type) && changesInvokerCheck(object)) await this.#demandPolicy(object);
    return this.#write('create', 'POST', type, written, dryRun);
  }

  async replace<T extends KubeObject>(
    type: ResourceType<T>,
    object: Partial<T>,
    { dryRun = false, stored }: { dryRun?: boolean; stored?: T } = {},
  ) {
    const isCurrent = stored && stored.metadata.resourceVersion === object.metadata?.resourceVersion;
    const read = isService(type) ? (isCurrent ? stored : await this.#stored(type, object)) : undefined;
    const written = read ? withInvoker(object, read) : object;
    if (read && changesInvokerCheck(object, read)) await this.#demandPolicy(object);
    return this.#write('update', 'PUT', type, written, dryRun);
  }

  async delete(type: ResourceType, name: string, options: Deletion = {}): Promise<void> {
    const { resourceVersion, dryRun } = options;
    const path = resourcePath(type, { namespace: this.namespace, name });
    const body = {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      propagationPolicy: 'Background',
      ...(resourceVersion ? { preconditions: { resourceVersion } } : {}),
      ...(dryRun ? { dryRun: ['All'] } : {}),
    };
    await this.#attempt('delete', type, name, () => this.#client.request('DELETE', path, { body }));
  }

  #stored<T extends KubeObject>(type: ResourceType<T>, { metadata }: Partial<T>): Promise<T | undefined> {
    const { name = '' } = metadata ?? {};
    const ref = { namespace: this.namespace, name };
    return this.#attempt('update', type, name, () => this.#client.get(type, ref));
  }

  /** @throws {ApiError} PERMISSION_DENIED for a person who may not set the policy of a service. */
  async #demandPolicy({ metadata }: Partial<KubeObject>): Promise<void> {
    const { namespace } = this;
    const name = metadata?.name ?? '';
    const permission = 'run.services.setIamPolicy';
    const resource = resourceName({ action: 'update', type: SERVICES, namespace, name });
    const call = { client: this.#client, target: { kind: 'services', namespace, name } } as const;
    const isGranted = await withPermission(permission, resource, () => hasPermission(call, permission));
    if (!isGranted) throw permissionDenied(permission, resource);
  }

  /**
   * Who may not act as the identity of what is deployed is told so; who may not even write it is told that, for which it is
   * tried without effect.
   * @throws {ApiError} PERMISSION_DENIED that names the permission, or the account.
   */
  async #write<T extends KubeObject>(
    action: Action,
    method: Method,
    type: ResourceType<T>,
    object: Partial<T>,
    dryRun: boolean,
  ): Promise<T> {
    const { namespace } = this;
    const name = object.metadata?.name;
    const account = serviceIdentityOf(type, object, this.#config);
    const isRefused =
      account !== undefined &&
      !(await this.#attempt(action, type, name, () => mayActAs(this.#client, namespace, account)));
    const path = resourcePath(type, { namespace, ...(method === 'PUT' ? { name } : {}) });
    const query: Query = {
      fieldManager: FIELD_MANAGER,
      // Unknown and repeated fields are errors.
      fieldValidation: 'Strict',
      dryRun: dryRun || isRefused ? 'All' : undefined,
    };
    const { apiVersion, kind } = type;
    const body = { ...object, apiVersion, kind, metadata: { ...object.metadata, namespace } };
    const attempt = this.#attempt(action, type, name, async () => {
      const { metadata, ...rest } = await this.#client.request<T>(method, path, { query, body });
      const { managedFields: _, ...shown } = metadata as T['metadata'] & { managedFields?: unknown };
      return { ...rest, metadata: shown } as unknown as T;
    });
    if (!isRefused) return attempt;
    await attempt.catch((error: unknown) => {
      if (isMissingPermission(error)) throw error;
    });
    throw actAsDenied(namespace, account);
  }

  async #attempt<R>(
    action: Action,
    type: ResourceType,
    name: string | undefined,
    act: () => Promise<R>,
  ): Promise<R> {
    try {
      return await act();
    } catch (error) {
      throw failureOf(error, { action, type, name, namespace: this.namespace });
    }
  }
}
