import { deepEqual, equal, ok } from 'node:assert/strict';
import { type DescMethod, fromJson } from '@bufbuild/protobuf';
import { Code, ConnectError, type Transport } from '@connectrpc/connect';
import { createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node';
import { IAM_ROLES, type RoleDeclaration } from '../apis/iam/roles.ts';
import { KINDS } from '../apis/kinds.ts';
import { RUN, SERVING } from '../apis/labels.ts';
import { REVISIONS, type Revision } from '../apis/serving/revision/types.ts';
import { SERVICES } from '../apis/serving/service/types.ts';
import { ROLE_BINDINGS, ROLES, SERVICE_ACCOUNTS } from '../kube/core.ts';
import { type KubeObject, namespaced } from '../kube/types.ts';
import { operationId, parseOperationId } from './operations/operations.ts';
import { type Answer, clientOf } from './testing/client.ts';
import { HOST, NAMESPACE, useApi } from './testing/installation.ts';
import {
  bodies,
  names,
  PLACE,
  ROUTES,
  RPCS,
  TEMPLATE,
  type Walked,
  type WalkedCall,
} from './testing/requests.ts';
import { grant, installRoles, personWith } from './testing/roles.ts';
import { REGISTRY } from './v2/registry.ts';

/** Each role alone, none, and the one that deploying takes with those that may write. */
const ROLE_SETS: readonly RoleDeclaration[][] = [
  ...IAM_ROLES.map((role) => [role]),
  [],
  ...['run.admin', 'run.developer'].map((name) =>
    IAM_ROLES.filter((role) => role.name === name || role.name === 'iam.serviceAccountUser'),
  ),
];

describe('every request of the Admin API on a real API server', function () {
  this.timeout(600_000);
  const installation = useApi();
  const call = clientOf(installation);
  let sessions: Http2SessionManager;
  let transport: Transport;

  const written = async () => {
    const types = [
      ...KINDS.map(({ group, kind, plural }) => namespaced(`${group}/v1`, kind, plural)),
      ROLES,
      ROLE_BINDINGS,
      SERVICE_ACCOUNTS,
    ];
    const lists = await Promise.all(
      types.map((type) => installation.client.list(type as typeof REVISIONS, { namespace: NAMESPACE })),
    );
    return lists
      .flatMap(({ items }) =>
        items.map(({ metadata }) => `${metadata.uid} ${metadata.name} ${metadata.resourceVersion}`),
      )
      .sort();
  };

  before(async () => {
    const baseUrl = `https://127.0.0.1:${installation.api.port}`;
    sessions = new Http2SessionManager(baseUrl, {}, { ca: installation.authority, servername: HOST });
    transport = createGrpcTransport({ baseUrl, sessionManager: sessions });
    await installRoles(installation);
    await grant(installation, 'viewer', 'homerun-run.viewer');
    for (const [collection, body] of Object.entries(bodies)) {
      const id = `${collection.slice(0, -1)}Id=${names[collection]}`;
      const made = await call('POST', `/v2/${PLACE}/${collection}?${id}`, { body });
      equal(made.status, 200, JSON.stringify(made.body));
    }
    const revisions: Record<string, Record<string, string>> = {
      'hello-00001': { [SERVING.service]: 'hello' },
      'pull-00001': { [RUN.workerPool]: 'pull' },
    };
    for (const [name, labels] of Object.entries(revisions)) {
      const { apiVersion, kind } = REVISIONS;
      const metadata = { name, namespace: NAMESPACE, labels };
      await installation.client.create(REVISIONS, {
        apiVersion,
        kind,
        metadata,
        spec: TEMPLATE,
      } as KubeObject as Revision);
    }
    const run = await call('POST', `/apis/run.googleapis.com/v1/namespaces/${NAMESPACE}/jobs/nightly:run`, {
      body: {},
    });
    equal(run.status, 200, JSON.stringify(run.body));
    names.executions = run.body.metadata.name;
    names.tasks = `${names.executions}-0`;
    const service = await installation.client.get(SERVICES, { namespace: NAMESPACE, name: 'hello' });
    ok(service);
    names.operations = operationId('create', SERVICES, service);
  });

  after(() => sessions?.abort());

  const refusedPermission = ({ status, body }: Answer) => [
    status,
    body?.error?.status,
    body?.error?.details?.[0]?.metadata?.permission,
  ];

  const WALKS = { 'rpc of v2': RPCS, 'route of v1': ROUTES };

  for (const [title, walked] of Object.entries(WALKS)) {
    it(`lets a viewer change nothing and see what there is, in each ${title}`, async () => {
      const before = await written();
      const found: Record<string, unknown> = {};
      for (const { name, method, path, body, permission, writes } of walked) {
        const answer = await call(method, path(), { body, as: 'viewer' });
        const isRight = writes
          ? deepEquals(refusedPermission(answer), [403, 'PERMISSION_DENIED', permission])
          : answer.status === 200 || answer.status === 404;
        if (!isRight)
          found[`${name} ${path()}`] = [
            permission,
            ...refusedPermission(answer),
            answer.body?.error?.message,
          ];
      }
      deepEqual(found, {});
      deepEqual(await written(), before);
    });
  }

  it('lists the operations of all that a viewer may list', async () => {
    const viewer = IAM_ROLES.find(({ name }) => name === 'run.viewer');
    ok(viewer && !viewer.permissions.includes('run.domainmappings.list'), 'which is not everything');
    const list = async (token: string) => {
      const { status, body } = await call('GET', `/v2/${PLACE}/operations`, { token });
      return [status, (body.operations ?? []).map(({ name }: { name: string }) => name.split('/').pop())];
    };
    const all = ['services', 'jobs', 'workerpools'];
    const [status, found] = await list(await tokenFor(viewer));
    equal(status, 200);
    ok(found.includes(names.operations), 'the service’s');
    deepEqual(found.map((id: string) => parseOperationId(id)?.type.plural).sort(), all.sort());
    deepEqual(await list(await tokenFor()), [200, []]);
  });

  /** The permission that a call over gRPC is refused for; undefined where it is for none. */
  async function refusedCall(
    { descriptor, request }: WalkedCall,
    token: string,
    options: object,
  ): Promise<string | undefined> {
    const message = fromJson(descriptor.input, { ...request(), ...options }, { registry: REGISTRY });
    const headers = { authorization: `Bearer ${token}` };
    try {
      await transport.unary(descriptor as never, undefined, undefined, headers, message as never);
      return undefined;
    } catch (error) {
      ok(error instanceof ConnectError, String(error));
      if (error.code !== Code.PermissionDenied) return undefined;
      const [, named = error.rawMessage] = /^Permission '([^']+)' denied/.exec(error.rawMessage) ?? [];
      // As Google's API writes it in this one message.
      return named.replace('serviceaccounts', 'serviceAccounts');
    }
  }

  const tokens = new Map<string, Promise<string>>();
  /** Of a person with these roles alone; with none, of a stranger. */
  async function tokenFor(...roles: RoleDeclaration[]): Promise<string> {
    if (roles.length === 0) return installation.tokens.stranger;
    const key = roles.map(({ name }) => name).join();
    const made = tokens.get(key) ?? personWith(installation, ...roles);
    tokens.set(key, made);
    return made;
  }

  /** The first permission for a request that is not among these; undefined where none is missing. */
  const missing = ({ permission, deploys }: Walked, permissions: readonly string[]) =>
    [permission, ...(deploys ? ['iam.serviceAccounts.actAs'] : [])].find(
      (each) => each !== undefined && !permissions.includes(each),
    );

  for (const roles of ROLE_SETS) {
    const who = roles.map(({ name }) => name).join(' and ') || 'a stranger';
    const permissions: readonly string[] = roles.flatMap((role) => role.permissions);

    it(`refuses ${who} each rpc over gRPC that it has no permission for`, async () => {
      const token = await tokenFor(...roles);
      const before = await written();
      const found: Record<string, unknown> = {};
      for (const walked of RPCS) {
        const { name, permission, descriptor } = walked;
        const want = missing(walked, permissions);
        const isGranted = want === undefined;
        // What it may do must not change what the others are asked about.
        if (isGranted && descriptor.name === 'SetIamPolicy') continue;
        const options = isGranted && canBeDry(descriptor) ? { validateOnly: true } : {};
        const refused = await refusedCall(walked, token, options);
        if (permission !== undefined && refused !== want) found[name] = { refused, want };
      }
      deepEqual(found, {});
      deepEqual(await written(), before);
    });

    for (const [title, walked] of Object.entries(WALKS)) {
      it(`refuses ${who} each ${title} that it has no permission for`, async () => {
        const token = await tokenFor(...roles);
        const before = await written();
        const found: Record<string, unknown> = {};
        for (const each of walked) {
          const { name, method, permission } = each;
          if (permission === undefined) continue;
          const want = missing(each, permissions);
          const isGranted = want === undefined;
          const request = isGranted ? dry(each) : { path: each.path(), body: each.body };
          if (!request) continue;
          const answer = await call(method, request.path, { body: request.body, token });
          const refused = refusedPermission(answer);
          const isRight = isGranted
            ? answer.status < 500 && answer.status !== 403
            : deepEquals(refused, [403, 'PERMISSION_DENIED', want]);
          if (!isRight) found[name] = [want, ...refused, answer.body?.error?.message];
        }
        deepEqual(found, {});
        deepEqual(await written(), before);
      });
    }
  }
});

const deepEquals = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

function canBeDry({ input }: DescMethod): boolean {
  return input.fields.some((field) => field.name === 'validate_only');
}

/** The request without its effect; undefined where it always has one. */
function dry({ method, path, body, writes, ...more }: Walked | WalkedCall) {
  if (!writes) return { path: path(), body };
  const { descriptor } = more as Partial<WalkedCall>;
  const isVerb = /:\w+$/.test(path());
  if (descriptor ? !canBeDry(descriptor) : isVerb) return undefined;
  if (isVerb) return { path: path(), body: { ...body, validateOnly: true } };
  const option = descriptor ? 'validateOnly=true' : 'dryRun=all';
  return { path: `${path()}${path().includes('?') ? '&' : '?'}${option}`, body };
}
