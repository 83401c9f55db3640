import { keyOf, type ResourceType } from '../kube/types.ts';
import { checkBody, mergePatch } from './fakeHttp.ts';
import { resized } from './fakeResize.ts';
import { isBuiltIn, Rejection, type Stored } from './fakeRules.ts';
import type { FakeStorage, WriteOptions } from './fakeStorage.ts';
import { grantToken, type TokenRequest } from './fakeToken.ts';
import { selection } from './fakeWatch.ts';

/** A request as the server saw it. */
export interface SeenRequest {
  method: string;
  /** Without the query. */
  path: string;
  query: URLSearchParams;
  body?: unknown;
}

/** Whether a request writes anything but Events, which only report changes. */
export function isWrite({ method, path }: SeenRequest): boolean {
  return method !== 'GET' && !path.includes('/events');
}

/** What a path names. */
export interface Target {
  type: ResourceType;
  namespace?: string;
  name?: string;
  subresource?: string;
}

/** The REST verbs of the fake API server, except watch. */
export class FakeRest {
  readonly #storage: FakeStorage;
  readonly #types: ResourceType[];

  constructor(storage: FakeStorage, types: ResourceType[]) {
    this.#storage = storage;
    this.#types = types;
  }

  /** @throws {Rejection} 404 for a path that is not of a known kind. */
  target(path: string): Target {
    const parts = path.split('/').slice(1).map(decodeURIComponent);
    const apiVersion = parts[0] === 'api' ? parts[1] : `${parts[1]}/${parts[2]}`;
    let rest = parts.slice(parts[0] === 'api' ? 2 : 3);
    let namespace: string | undefined;
    const isKind = (plural?: string) =>
      this.#types.some((each) => each.apiVersion === apiVersion && each.plural === plural);
    // Elsewhere `namespaces` is a kind of its own: /api/v1/namespaces/NAME/status.
    if (rest[0] === 'namespaces' && isKind(rest[2])) {
      namespace = rest[1];
      rest = rest.slice(2);
    }
    const type = this.#types.find((each) => each.apiVersion === apiVersion && each.plural === rest[0]);
    if (!type) throw new Rejection(404, 'NotFound', 'the server could not find the requested resource');
    if (type.namespaced && rest[1] && !namespace)
      throw new Rejection(404, 'NotFound', 'the server could not find the requested resource');
    return { type, namespace, name: rest[1], subresource: rest[2] };
  }

  /** What is served at the path of an API version, `/apis/GROUP/VERSION` (Kubernetes, API discovery). */
  resources(path: string): { name: string }[] | undefined {
    const [, apiVersion] = path.match(/^\/apis?\/(.+)$/) ?? [];
    const types = this.#types.filter((type) => type.apiVersion === apiVersion);
    return types.length > 0 ? types.map(({ plural }) => ({ name: plural })) : undefined;
  }

  /** Carries out a request on one object, or one that makes an object; gives HTTP status and body. */
  act(seen: SeenRequest, target: Target, contentType: string): [number, unknown] {
    const storage = this.#storage;
    const { type, namespace, name, subresource } = target;
    const body = seen.body as Stored;
    const manager = seen.query.get('fieldManager') ?? 'unknown';
    if (seen.method === 'POST' && !name) {
      checkBody(target, body);
      const metadata = namespace ? { ...body.metadata, namespace } : body.metadata;
      return [201, this.show(storage.create(type, { ...body, metadata }, { manager }))];
    }
    if (!name)
      throw new Rejection(405, 'MethodNotAllowed', 'the server does not allow this method on the resource');
    const key = keyOf({ namespace, name });
    if (subresource === 'scale') return [200, this.#scale(seen, target, key)];
    if (subresource === 'resize')
      return [200, this.show(storage.update(type, key, resized(storage.get(type, key), body)))];
    if (subresource === 'token')
      return [201, grantToken(storage, namespace ?? '', name, seen.body as TokenRequest)];
    const options = { subresource: subresource === 'status' ? ('status' as const) : undefined, manager };
    switch (seen.method) {
      case 'GET':
        return [200, this.show(storage.get(type, key))];
      case 'PUT':
        checkBody(target, body);
        return [200, this.show(storage.update(type, key, body, options))];
      case 'DELETE': {
        const { preconditions } = (body ?? {}) as { preconditions?: { uid?: string } };
        return [200, this.show(storage.delete(type, key, preconditions))];
      }
      case 'PATCH':
        return this.#patch(seen, target, contentType, key, options);
    }
    throw new Rejection(405, 'MethodNotAllowed', `${seen.method} is not supported`);
  }

  #patch(
    { body, query }: SeenRequest,
    target: Target,
    contentType: string,
    key: string,
    options: WriteOptions,
  ): [number, unknown] {
    const storage = this.#storage;
    const { type, namespace, name = '' } = target;
    if (contentType.startsWith('application/merge-patch')) {
      const merged = mergePatch(storage.get(type, key), body) as Stored;
      return [200, this.show(storage.update(type, key, merged, options))];
    }
    if (!contentType.startsWith('application/apply-patch')) {
      throw new Rejection(415, 'UnsupportedMediaType', `${contentType} is not supported`);
    }
    checkBody(target, body as Stored);
    const { metadata, ...rest } = body as Stored;
    const desired = { ...rest, metadata: { ...metadata, name, ...(namespace && { namespace }) } };
    const existed = storage.has(type, key);
    const force = query.get('force') === 'true';
    return [existed ? 200 : 201, this.show(storage.apply(type, key, desired, { ...options, force }))];
  }

  #scale({ method, body }: SeenRequest, { type, namespace, name }: Target, key: string): unknown {
    const { spec, metadata: given } = (body ?? {}) as Partial<Stored> & { spec?: { replicas?: number } };
    let object = this.#storage.get(type, key);
    if (method !== 'GET') {
      const resourceVersion = given?.resourceVersion ?? object.metadata.resourceVersion;
      const changed = mergePatch(object, { metadata: { resourceVersion }, spec });
      object = this.#storage.update(type, key, changed as Stored);
    }
    const { replicas = 1 } = (object.spec ?? {}) as { replicas?: number };
    const { resourceVersion, uid } = object.metadata;
    const metadata = { name, namespace, resourceVersion, uid };
    return {
      apiVersion: 'autoscaling/v1',
      kind: 'Scale',
      metadata,
      spec: { replicas },
      status: { replicas },
    };
  }

  list({ type, namespace }: Target, query: URLSearchParams): unknown {
    const test = selection(namespace, query);
    const limit = Number(query.get('limit') ?? 0);
    const from = decodeToken(query.get('continue'));
    const version = from?.version ?? this.#storage.version;
    const items = this.#storage.list(type, version).filter(test);
    const rest = from ? items.filter(({ metadata }) => keyOf(metadata) > from.key) : items;
    const page = limit > 0 ? rest.slice(0, limit) : rest;
    const last = page.at(-1);
    const next =
      last && page.length < rest.length ? encodeToken({ version, key: keyOf(last.metadata) }) : undefined;
    return {
      apiVersion: type.apiVersion,
      kind: `${type.kind}List`,
      metadata: {
        resourceVersion: String(version),
        continue: next,
      },
      items: page.map((object) => {
        const { apiVersion, kind, ...item } = this.show(object);
        // The real server leaves these out of the items of built-in kinds.
        return isBuiltIn(type) ? item : { apiVersion, kind, ...item };
      }),
    };
  }

  /** An answer's form of an object: with the managedFields that clients have to bear. */
  show(object: Stored): Stored {
    const managedFields = this.#storage
      .managers(object)
      .map((manager) => ({ manager, operation: 'Apply', fieldsType: 'FieldsV1', fieldsV1: {} }));
    const { apiVersion, kind, metadata, ...rest } = object;
    // In the order of the real one, which sorts the fields of custom kinds.
    return {
      apiVersion,
      kind,
      metadata: { ...metadata, managedFields } as Stored['metadata'],
      ...rest,
    } as Stored;
  }
}

/** Where a list goes on: as the real one, it shows the moment of the first page. */
interface PageToken {
  version: number;
  key: string;
}

function encodeToken(token: PageToken): string {
  return Buffer.from(JSON.stringify(token)).toString('base64url');
}

function decodeToken(token: string | null): PageToken | undefined {
  return token ? (JSON.parse(Buffer.from(token, 'base64url').toString()) as PageToken) : undefined;
}
