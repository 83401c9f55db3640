import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { PolicyKind } from '../../apis/iam/bindings.ts';
import type { ApiContext, ApiPart, Verb, VerbCall } from '../context.ts';
import { ApiError } from '../errors.ts';
import { namespaceOf } from '../projects.ts';
import type { Person } from '../resources/resources.ts';
import { getIamPolicy, type PolicyCall, setIamPolicy, testIamPermissions } from './handlers.ts';

type Act = (call: PolicyCall, request: FastifyRequest) => Promise<object>;

const body = ({ body }: FastifyRequest) => (body ?? {}) as Record<string, unknown>;

/** Of the query, or of the body where that is how a service takes it. */
function options(request: FastifyRequest): { requestedPolicyVersion?: unknown } {
  const { 'options.requestedPolicyVersion': requestedPolicyVersion } = request.query as Record<
    string,
    unknown
  >;
  return (body(request).options as object | undefined) ?? { requestedPolicyVersion };
}

const ACTS: Readonly<Record<string, { method: Verb['method']; act: Act }>> = {
  getIamPolicy: { method: 'GET', act: (call, request) => getIamPolicy(call, options(request)) },
  setIamPolicy: { method: 'POST', act: (call, request) => setIamPolicy(call, body(request)) },
  testIamPermissions: { method: 'POST', act: (call, request) => testIamPermissions(call, body(request)) },
};

/** Policies of services, jobs and worker pools (Cloud Run API v1), and of projects (Cloud Resource Manager v1 and v3). */
export const IAM: ApiPart = {
  verbs: Object.fromEntries(
    Object.entries(ACTS).map(([name, { method, act }]) => [
      name,
      {
        method,
        on: ['services', 'jobs', 'workerpools'],
        act: async ({ context, resources, kind, name: resource, request }: VerbCall) =>
          act(
            await policyCall(
              context,
              resources.person,
              resources.namespace,
              kind.type.plural as PolicyKind,
              resource,
            ),
            request,
          ),
      },
    ]),
  ),
  routes(app: FastifyInstance, context: ApiContext) {
    for (const version of ['v1', 'v3']) {
      app.post(`/${version}/projects/:name`, async (request) => {
        const { name = '' } = request.params as Record<string, string>;
        const [project = '', verb = ''] = name.split(':');
        if (!Object.hasOwn(ACTS, verb)) throw new ApiError('NOT_FOUND', 'Method not found.');
        const namespace = namespaceOf(project, context.config);
        const call = await policyCall(context, request.person, namespace, 'project', namespace);
        return ACTS[verb]?.act(call, request);
      });
    }
  },
};

async function policyCall(
  context: ApiContext,
  person: Person,
  namespace: string,
  kind: PolicyKind,
  name: string,
): Promise<PolicyCall> {
  const { config, projects } = context;
  const { number } = await projects.of(namespace);
  return {
    client: context.clientOf(person),
    target: { kind, namespace, name },
    context: {
      namespace,
      projectNumber: number,
      projectIdTemplate: config.metadata.projectId,
      serviceAccounts: config.serviceAccounts,
    },
  };
}
