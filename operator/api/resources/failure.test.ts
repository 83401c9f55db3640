import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { SERVICES } from '../../apis/serving/service/types.ts';
import { statusError } from '../../kube/errors.ts';
import { ApiError, errorBody } from '../errors.ts';
import { asAction, failureOf, withPermission } from './failure.ts';

const ATTEMPT = { action: 'create', type: SERVICES, namespace: 'demo', name: 'hello' } as const;
const RBAC =
  'services.serving.knative.dev is forbidden: User "ada" cannot create resource "services" in API group "serving.knative.dev" in the namespace "demo"';

interface Case {
  reason: string;
  status: number;
  body: object;
  want: { code: string; http: number; detail?: object };
}

const cases: Record<string, Case> = {
  'a right that is missing': {
    reason: "it is named as Google's IAM names it",
    status: 403,
    body: { message: RBAC },
    want: {
      code: 'PERMISSION_DENIED',
      http: 403,
      detail: { permission: 'run.services.create', resource: 'namespaces/demo/services/hello' },
    },
  },
  'a quota': {
    reason: 'no right is missing',
    status: 403,
    body: { message: 'pods "a" is forbidden: exceeded quota: q' },
    want: { code: 'PERMISSION_DENIED', http: 403 },
  },
  'an own token that is not valid': {
    reason: 'the person can do nothing about it',
    status: 401,
    body: { message: 'Unauthorized' },
    want: { code: 'UNAVAILABLE', http: 503 },
  },
  'a conflict': {
    reason: 'AIP-154',
    status: 409,
    body: { reason: 'Conflict' },
    want: { code: 'ABORTED', http: 409 },
  },
  'a name that is taken': {
    reason: 'AIP-133',
    status: 409,
    body: { reason: 'AlreadyExists' },
    want: { code: 'ALREADY_EXISTS', http: 409 },
  },
  'a token of a page that has expired': {
    reason: 'AIP-158: it is an argument',
    status: 410,
    body: { reason: 'Expired' },
    want: { code: 'INVALID_ARGUMENT', http: 400 },
  },
  'too many requests': {
    reason: 'AIP-193',
    status: 429,
    body: {},
    want: { code: 'RESOURCE_EXHAUSTED', http: 429 },
  },
  'a failure': {
    reason: 'a later try may succeed',
    status: 500,
    body: {},
    want: { code: 'UNAVAILABLE', http: 503 },
  },
};

describe('what a client is answered when the cluster refuses', () => {
  for (const [name, { reason, status, body, want }] of Object.entries(cases)) {
    it(`${name}: ${want.code}, ${reason}`, () => {
      const error = failureOf(statusError('POST /x', status, body), ATTEMPT);
      ok(error instanceof ApiError);
      equal(error.code, want.code);
      equal(error.httpStatus, want.http);
      const [detail] = error.details as { metadata?: object }[];
      deepEqual(detail?.metadata, want.detail);
    });
  }

  it('names the fields that are not valid', () => {
    const message = 'strict decoding error: unknown field "spec.foo", duplicate field "spec.a"';
    const causes = [{ field: 'spec.b', message: 'must be set' }];
    const error = failureOf(statusError('POST /x', 422, { message, details: { causes } }), ATTEMPT);
    deepEqual(errorBody(error as ApiError), {
      error: {
        code: 400,
        message,
        status: 'INVALID_ARGUMENT',
        details: [
          {
            '@type': 'type.googleapis.com/google.rpc.BadRequest',
            fieldViolations: [
              { field: 'spec.b', description: 'must be set' },
              { field: 'spec.foo', description: 'unknown field' },
              { field: 'spec.a', description: 'duplicate field' },
            ],
          },
        ],
      },
    });
  });

  const permission = 'run.services.setIamPolicy';
  const detail = { permission, resource: 'services/hello' };
  const steps: Record<string, { reason: string; status: number; body: object; want: object }> = {
    'what another request has made': {
      reason: 'it is not what the client makes',
      status: 409,
      body: { reason: 'AlreadyExists' },
      want: { code: 'ABORTED', detail: undefined },
    },
    'a right that a step lacks': {
      reason: 'the permission is for all steps',
      status: 403,
      body: { message: RBAC },
      want: { code: 'PERMISSION_DENIED', detail },
    },
    'a role with more rights than the person has': {
      reason: 'that right is missing',
      status: 403,
      body: { message: 'user "ada" is attempting to grant RBAC permissions not currently held:' },
      want: { code: 'PERMISSION_DENIED', detail },
    },
    'an admission that refuses': {
      reason: 'no right is missing',
      status: 403,
      body: { message: 'admission webhook denied the request' },
      want: { code: 'PERMISSION_DENIED', detail: undefined },
    },
  };
  for (const [name, { reason, status, body, want }] of Object.entries(steps)) {
    it(`${name}, below a permission of Google's: ${reason}`, async () => {
      const act = async () => {
        throw statusError('POST /x', status, body);
      };
      await rejects(withPermission(permission, 'services/hello', act), (error: ApiError) => {
        const [first] = error.details as { metadata?: object }[];
        deepEqual({ code: error.code, detail: first?.metadata }, want);
        return true;
      });
    });
  }

  it('names the permission for the action that begins with another', async () => {
    const act = async () => {
      throw failureOf(statusError('GET /x', 403, { message: RBAC }), { ...ATTEMPT, action: 'get' });
    };
    await rejects(asAction({ ...ATTEMPT, action: 'delete' }, act), /'run.services.delete' denied/);
  });

  it('leaves other errors as they are', () => {
    const error = new TypeError('a bug');
    equal(failureOf(error, ATTEMPT), error);
  });
});
