import type { DescMethod, JsonObject } from '@bufbuild/protobuf';
import { IAM } from '../iam/part.ts';
import { JOB_VERBS } from '../v1/jobVerbs.ts';
import { SERVED_KINDS } from '../v1/kinds.ts';
import { METHODS } from '../v2/methods.ts';
import { NAMESPACE, REGION } from './installation.ts';

// All that the Admin API can be asked for.

export const PLACE = `projects/${NAMESPACE}/locations/${REGION}`;
export const TEMPLATE = { containers: [{ image: 'gcr.io/p/app:1' }] };

/** Objects by the collection of v2 or the plural of v1; of which there is none, a name that does not exist. */
export const names: Record<string, string> = {
  projects: NAMESPACE,
  locations: REGION,
  services: 'hello',
  jobs: 'nightly',
  workerPools: 'pull',
  workerpools: 'pull',
  revisions: 'hello-00001',
};
/** What a client sends to write one. */
export const bodies: Record<string, object> = {
  services: { template: TEMPLATE },
  jobs: { template: { template: TEMPLATE } },
  workerPools: { template: TEMPLATE },
};

/** Who is refused what; without a permission, nobody is refused. */
export interface Walked {
  name: string;
  method: string;
  path: () => string;
  body?: object;
  permission: string | undefined;
  /** Whether it decides what runs, which takes iam.serviceAccounts.actAs too. */
  deploys: boolean;
  writes: boolean;
}

/** A call of gRPC. */
export interface WalkedCall extends Walked {
  descriptor: DescMethod;
  /** In JSON form. */
  request: () => JsonObject;
}

const WRITES: Readonly<Record<string, string>> = {
  Create: 'create',
  Update: 'update',
  Delete: 'delete',
  Run: 'run',
  Cancel: 'cancel',
  Set: 'setIamPolicy',
};
const isServed = (service: string) => !['Instances', 'Builds'].includes(service);

/** Every rpc of the descriptors by each of its paths. */
export const RPCS: WalkedCall[] = METHODS.flatMap(({ descriptor, bindings }) =>
  bindings.map(({ method, path, body: bodyField }): WalkedCall => {
    const service = descriptor.parent.name;
    const [, verb = ''] = /^([A-Z][a-z]+)/.exec(descriptor.name) ?? [];
    const isPolicy = descriptor.name.endsWith('IamPolicy');
    const action = WRITES[verb] ?? (isPolicy ? 'getIamPolicy' : verb.toLowerCase());
    const collection = `${service.charAt(0).toLowerCase()}${service.slice(1)}`;
    const isCommon = !descriptor.parent.typeName.startsWith('google.cloud.run.v2.');
    const bodyOf: Record<string, object> = {
      SetIamPolicy: { policy: { bindings: [{ role: 'roles/run.viewer', members: ['allUsers'] }] } },
      TestIamPermissions: { permissions: ['run.services.get'] },
      WaitOperation: { timeout: '0s' },
      RunJob: {},
    };
    const body = bodyField ? (bodyOf[descriptor.name] ?? bodies[collection] ?? {}) : undefined;
    const id = descriptor.name.startsWith('Create') ? `${collection.slice(0, -1)}Id` : undefined;
    return {
      name: `${service}.${descriptor.name} at ${path}`,
      descriptor,
      request: () => ({
        ...withPath(path, bodyField === '*' || !body ? { ...body } : { [camel(bodyField)]: { ...body } }),
        ...(id && { [id]: 'new' }),
      }),
      method,
      path: () => pathOf(path, id ? `?${id}=new` : ''),
      body,
      permission: isCommon || verb === 'Test' ? undefined : `run.${service.toLowerCase()}.${action}`,
      deploys: /^(Create|Update)/.test(descriptor.name) && collection in bodies,
      writes: !isCommon && verb in WRITES,
    };
  }),
).filter(({ name }) => isServed(name.split('.')[0] ?? ''));

/** Each kind's routes of v1 and each verb, in both forms of paths. */
export const ROUTES: Walked[] = SERVED_KINDS.flatMap(({ type, writes }) => {
  const { apiVersion, kind, plural } = type;
  const object = (name = names[plural] ?? 'none') => ({
    apiVersion,
    kind,
    metadata: { name, namespace: NAMESPACE },
    spec: { template: { spec: TEMPLATE } },
  });
  const verbs = Object.entries({ ...JOB_VERBS, ...IAM.verbs }).filter(([, { on }]) => on.includes(plural));
  return [`/apis/${apiVersion}/namespaces/${NAMESPACE}/${plural}`, `/v1/${PLACE}/${plural}`].flatMap(
    (path) => {
      const one = () => `${path}/${names[plural] ?? 'none'}`;
      const route = (
        method: string,
        to: () => string,
        action: string,
        isWrite: boolean,
        body?: object,
      ): Walked => ({
        name: `${method} ${path}, ${action}`,
        method,
        path: to,
        body,
        permission: action === 'testIamPermissions' ? undefined : `run.${plural}.${action}`,
        deploys: /^(create|update)$/.test(action) && plural !== 'domainmappings',
        writes: isWrite,
      });
      const has = (write: (typeof writes)[number], made: Walked) => (writes.includes(write) ? [made] : []);
      return [
        route('GET', () => path, 'list', false),
        route('GET', one, 'get', false),
        ...has(
          'create',
          route('POST', () => path, 'create', true, object('new')),
        ),
        ...has('replace', route('PUT', one, 'update', true, object())),
        ...has('delete', route('DELETE', one, 'delete', true)),
        ...verbs.map(([verb, { method }]) => {
          const body = verb === 'setIamPolicy' ? { policy: {} } : {};
          return route(
            method,
            () => `${one()}:${verb}`,
            verb,
            !/^(get|test)/.test(verb),
            method === 'POST' ? body : undefined,
          );
        }),
      ];
    },
  );
});

/** The request with what its path names: `service.name` is a field of a message. */
function withPath(template: string, request: JsonObject): JsonObject {
  const [, variable = '', inner = ''] = /\{([^=]+)=([^}]+)\}/.exec(template) ?? [];
  const [key = '', field] = variable.split('.').map(camel);
  const value = pathOf(inner, '');
  return { ...request, [key]: field ? { ...(request[key] as JsonObject), [field]: value } : value };
}

const camel = (name: string) => name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** A path of a template such as `/v2/{name=projects/*\/locations/*}/services`. */
function pathOf(template: string, query: string): string {
  const path = template
    .replace(/\{[^=]+=([^}]+)\}/, '$1')
    .replace(/([A-Za-z]+)\/\*/g, (_, collection: string) => `${collection}/${names[collection] ?? 'none'}`);
  return `${path.replace('workerPools/pull/revisions/hello', 'workerPools/pull/revisions/pull')}${query}`;
}
