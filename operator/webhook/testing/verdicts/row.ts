import { type Case, jobOf } from '../../../apis/run/job/errorCases.ts';
import { type ErrorCase, serviceOf } from '../../../apis/serving/service/errorCases.ts';
import type { KubeObject } from '../../../kube/types.ts';
import { admitDefault, admitValidate, type Policy } from '../../admission/admit.ts';
import { patched, patchOf } from '../patch.ts';
import { requestFor } from '../requests.ts';

/**
 * What becomes of an object:
 * - `accepted`: without a word
 * - `told`: with a warning, in strict mode too, because sources differ
 * - `strict`: with a warning, and refused in strict mode
 * - `refused`: in both modes
 */
export type Verdict = 'accepted' | 'told' | 'strict' | 'refused';

type ServiceParts = Omit<ErrorCase, 'errors' | 'strict' | 'advice' | 'reason'>;
type JobParts = Omit<Case, 'errors' | 'strict' | 'advice' | 'reason'>;

/** One thing that people write, and what becomes of it; exactly one of the three kinds is written. */
export interface VerdictRow {
  service?: ServiceParts;
  job?: JobParts;
  /** What is traffic to a service are splits of instances here. */
  pool?: ServiceParts;
  verdict: Verdict;
  /** What is said, with the field before it; missing where nothing is. */
  says?: RegExp;
  /** Who says so: the documents, gcloud's own parser, what the API answers, or public reports. */
  source: string;
  reason: string;
}

/** Rows by name. */
export type Rows = Readonly<Record<string, VerdictRow>>;

/** The object of a row: the smallest valid one with the parts of the row in it. */
export function objectIn({ service, job, pool }: VerdictRow): KubeObject {
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

/** What both halves of admission say of a new object, as one who applies it is told. */
export function toldOf(object: KubeObject, policy: Policy): { allowed: boolean; told: string[] } {
  const { kind } = object;
  const first = admitDefault(requestFor(object, { kind }), policy);
  if (!first.allowed) return { allowed: false, told: [first.status?.message ?? ''] };
  const complete = patched(object, patchOf(first));
  const second = admitValidate(requestFor(complete, { kind }), policy);
  if (!second.allowed) return { allowed: false, told: [second.status?.message ?? ''] };
  return { allowed: true, told: [...(first.warnings ?? []), ...(second.warnings ?? [])] };
}
