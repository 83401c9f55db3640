import { parse } from 'yaml';
import { KINDS } from '../../apis/kinds.ts';
import type { KubeObject } from '../../kube/types.ts';
import type { Policy } from '../admission/admit.ts';
import type { AdmissionRequest } from '../admission/review.ts';

export const OPERATOR = 'system:serviceaccount:homerun-system:homerun-controller';
/** A cluster with all capabilities. */
export const CAPABILITIES = { resizesPods: true };
export const API = 'system:serviceaccount:homerun-system:homerun-api';
export const LENIENT: Policy = { strict: false, operator: OPERATOR, api: API, capabilities: CAPABILITIES };
export const STRICT: Policy = { ...LENIENT, strict: true };

function groupOf(kind: string): string {
  return KINDS.find((definition) => definition.kind === kind)?.group ?? 'serving.knative.dev';
}

/** An object of one of our kinds from YAML; kind and name have defaults. */
export function objectOf(yaml: string, kind = 'Service'): KubeObject {
  const { metadata, ...rest } = parse(yaml);
  return {
    apiVersion: `${groupOf(kind)}/v1`,
    kind,
    metadata: { name: 'hello', namespace: 'demo', ...metadata },
    ...rest,
  };
}

/** An admission request that creates an object, or with `oldObject` updates it. */
export function requestFor(
  object: unknown,
  { kind = 'Service', oldObject, user = 'jane' }: { kind?: string; oldObject?: unknown; user?: string } = {},
): AdmissionRequest {
  return {
    uid: 'review-1',
    kind: { group: groupOf(kind), version: 'v1', kind },
    operation: oldObject === undefined ? 'CREATE' : 'UPDATE',
    namespace: 'demo',
    userInfo: { username: user },
    object,
    oldObject,
  };
}
