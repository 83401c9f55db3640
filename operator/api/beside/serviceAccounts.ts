import type { FastifyRequest } from 'fastify';
import { formatted } from '../../apis/fieldError.ts';
import {
  kubernetesServiceAccount,
  type Project,
  projectNumber,
  serviceAccountEmail,
} from '../../apis/identity.ts';
import { SERVICE_ACCOUNTS, type ServiceAccount } from '../../kube/core.ts';
import { asPermission } from '../authorization.ts';
import type { ApiContext, ApiPart } from '../context.ts';
import { ApiError, invalidFields } from '../errors.ts';

type Params = Readonly<Record<string, string>>;

/** On a ServiceAccount that was made through this API. */
const DISPLAY_NAME = 'iam.googleapis.com/display-name';
/** An ID as Google has them (IAM API v1, serviceAccounts.create). */
const ACCOUNT_ID = /^[a-z]([-a-z0-9]{4,28}[a-z0-9])$/;

/** Service accounts for the identity of services: the ServiceAccounts of a namespace (IAM API v1). */
export const SERVICE_ACCOUNTS_API: ApiPart = {
  routes(app, context) {
    const path = '/v1/projects/:project/serviceAccounts';
    app.get(path, async (request) => {
      const { resources, show, permission } = at(request, context);
      const list = () => resources.list(SERVICE_ACCOUNTS);
      const { items } = await permission('list', list);
      return { accounts: await Promise.all(items.map(show)) };
    });
    app.get(`${path}/:account`, async (request) => {
      const { resources, show, permission, account } = at(request, context);
      return show(await permission('get', () => resources.get(SERVICE_ACCOUNTS, account)));
    });
    app.post(path, async (request) => {
      const { resources, show, permission } = at(request, context);
      const { accountId, serviceAccount } = (request.body ?? {}) as Record<string, unknown>;
      if (typeof accountId !== 'string' || !ACCOUNT_ID.test(accountId)) {
        const description = `is ${formatted(accountId)}; it must be 6 to 30 letters, digits and dashes`;
        throw invalidFields([{ field: 'accountId', description }]);
      }
      const { displayName } = (serviceAccount ?? {}) as { displayName?: unknown };
      const annotations = typeof displayName === 'string' ? { [DISPLAY_NAME]: displayName } : undefined;
      const made = { metadata: { name: accountId, annotations } };
      return show(await permission('create', () => resources.create(SERVICE_ACCOUNTS, made)));
    });
    app.delete(`${path}/:account`, async (request) => {
      const { resources, permission, account } = at(request, context);
      await permission('delete', () => resources.delete(SERVICE_ACCOUNTS, account));
      return {};
    });
  },
};

function at({ params, person }: FastifyRequest, context: ApiContext) {
  const { account = '', project: asked = '' } = params as Params;
  const { config } = context;
  // `-` is the project that the address names.
  const [, named] = /@(.+)\.iam\.gserviceaccount\.com$/.exec(account) ?? [];
  const project = asked === '-' ? (named ?? '') : asked;
  const resources = context.resourcesOf(person, project);
  if (account.includes(':')) throw new ApiError('NOT_FOUND', 'Method not found.');
  return {
    resources,
    account: kubernetesServiceAccount(account, config) ?? '',
    show: async (found: ServiceAccount) =>
      shown(found, await context.projects.of(resources.namespace), config),
    permission: <T>(action: string, act: () => Promise<T>) =>
      asPermission(`iam.serviceAccounts.${action}`, `projects/${project}`, act),
  };
}

function shown({ metadata }: ServiceAccount, project: Project, config: ApiContext['config']): object {
  const { name, uid = '', annotations } = metadata;
  const email = serviceAccountEmail(name, project, config);
  return {
    name: `projects/${project.id}/serviceAccounts/${email}`,
    projectId: project.id,
    uniqueId: projectNumber(uid),
    email,
    displayName: annotations?.[DISPLAY_NAME],
  };
}
