import type { FastifyRequest } from 'fastify';
import { ApiError } from '../../errors.ts';
import { servedKind } from '../../v1/kinds.ts';
import { type Handler, sceneOf } from '../call.ts';
import type { Fields } from '../conversion/value.ts';
import { lastId, parseName } from '../names.ts';

const VERBS = {
  GetIamPolicy: 'getIamPolicy',
  SetIamPolicy: 'setIamPolicy',
  TestIamPermissions: 'testIamPermissions',
} as const;

/** The methods of google.iam.v1 on the resources of a collection: the verbs of v1 by other paths. */
export function policyMethods(collection: string): Record<string, Handler> {
  return Object.fromEntries(
    Object.entries(VERBS).map(([method, verb]) => [method, handler(collection, verb)]),
  );
}

function handler(collection: string, verb: string): Handler {
  return async (call) => {
    const name = parseName(call.request.resource, 'resource', collection);
    const { resources } = sceneOf(call, name);
    const kind = servedKind(collection.toLowerCase());
    const found = call.context.verbs[verb];
    if (!kind || !found) throw new ApiError('UNIMPLEMENTED', 'Homerun has no IAM policies yet.');
    const { resource: _, ...body } = call.request;
    const { requestedPolicyVersion } = (body.options ?? {}) as Fields;
    const query = { 'options.requestedPolicyVersion': requestedPolicyVersion };
    const request = { body, query } as unknown as FastifyRequest;
    const answer = await found.act({
      context: call.context,
      resources,
      kind,
      project: name.project,
      name: lastId(name),
      request,
    });
    return answer as Fields;
  };
}
