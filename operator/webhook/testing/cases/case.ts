import { type Case, jobOf } from '../../../apis/run/job/errorCases.ts';
import { type ErrorCase, serviceOf } from '../../../apis/serving/service/errorCases.ts';
import type { KubeObject } from '../../../kube/types.ts';
import { admitDefault, admitValidate, type Policy } from '../../admission/admit.ts';
import { patched, patchOf } from '../patch.ts';
import { requestFor } from '../requests.ts';

/**
 * The outcome of admission:
 * - `accepted`: without a warning
 * - `warned`: with a warning in both modes, because sources disagree
 * - `strict`: with a warning, and rejected in strict mode
 * - `rejected`: in both modes
 */
export type Outcome = 'accepted' | 'warned' | 'strict' | 'rejected';

type ServiceParts = Omit<ErrorCase, 'errors' | 'strict' | 'advice' | 'reason'>;
type JobParts = Omit<Case, 'errors' | 'strict' | 'advice' | 'reason'>;

/** One trait of a manifest and the outcome of its admission; exactly one of the three kinds is set. */
export interface AdmissionCase {
  service?: ServiceParts;
  job?: JobParts;
  /** Its traffic becomes instanceSplits. */
  pool?: ServiceParts;
  outcome: Outcome;
  /** The error or warning, with its field; unset when there is none. */
  message?: RegExp;
  /** Where the outcome comes from: documentation, gcloud's parser, responses of the API, or public reports. */
  source: string;
  reason: string;
}

/** Cases by name. */
export type AdmissionCases = Readonly<Record<string, AdmissionCase>>;

/** The object of a case: the smallest valid one with the case's parts in it. */
export function objectIn({ service, job, pool }: AdmissionCase): KubeObject {
  if (service) return serviceOf(service) as KubeObject;
  if (job) return jobOf(job) as KubeObject;
  const { metadata, spec } = serviceOf(pool ?? {});
  const { template, traffic: instanceSplits } = spec;
  return {
    apiVersion: 'run.googleapis.com/v1',
    kind: 'WorkerPool',
    metadata,
    spec: { template, ...(instanceSplits ? { instanceSplits } : {}) },
  } as KubeObject;
}

/** What a client sees of both webhooks when it creates the object: the rejection, or the warnings. */
export function messagesOf(object: KubeObject, policy: Policy): { allowed: boolean; messages: string[] } {
  const { kind } = object;
  const first = admitDefault(requestFor(object, { kind }), policy);
  if (!first.allowed) return { allowed: false, messages: [first.status?.message ?? ''] };
  const complete = patched(object, patchOf(first));
  const second = admitValidate(requestFor(complete, { kind }), policy);
  if (!second.allowed) return { allowed: false, messages: [second.status?.message ?? ''] };
  return { allowed: true, messages: [...(first.warnings ?? []), ...(second.warnings ?? [])] };
}
