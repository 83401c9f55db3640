import { REVISION_REASONS as REASONS } from '../../apis/serving/revision/conditions.ts';
import type { Rejection } from './evidence.ts';

const MISSING_ACCOUNT = /error looking up service account ([^/\s]+)\/([^:\s]+): .*not found/;

/**
 * What a person reads when the cluster refuses to make a pod: for a service identity that is missing, which one and
 * what to do; for anything else (a quota, a policy) the cluster's own message.
 * @param declared `serviceAccountName` as it was written, an address or a name.
 */
export function explainRejection(
  { reason = 'FailedCreate', message = '' }: { reason?: string; message?: string },
  declared: string | undefined,
): Rejection {
  const [, namespace, name] = MISSING_ACCOUNT.exec(message) ?? [];
  if (!namespace || !name) return { reason, message: `The cluster rejects instances: ${message}` };
  const origin = declared && declared !== name ? `, which serviceAccountName "${declared}" stands for,` : '';
  return {
    reason: REASONS.serviceAccountMissing,
    message: `ServiceAccount '${name}'${origin} does not exist in namespace '${namespace}'. Create it with: kubectl create serviceaccount ${name} --namespace ${namespace}`,
  };
}
