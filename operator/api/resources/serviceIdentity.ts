import { type IdentityConfig, kubernetesServiceAccount } from '../../apis/identity.ts';
import { JOBS } from '../../apis/run/job/types.ts';
import { WORKER_POOLS } from '../../apis/run/workerPool/types.ts';
import { SERVICES } from '../../apis/serving/service/types.ts';
import type { ResourceType } from '../../kube/types.ts';

const REVISION = ['spec', 'template', 'spec'] as const;

/** Kinds that say what runs, and where they do. */
const RUNNING: readonly { type: ResourceType; at: readonly string[] }[] = [
  { type: SERVICES, at: REVISION },
  { type: WORKER_POOLS, at: REVISION },
  { type: JOBS, at: [...REVISION, 'template', 'spec'] },
];

/**
 * The ServiceAccount of its namespace that an object's instances will run as (Cloud Run, Introduction to service identity);
 * undefined for kinds without instances. Pure.
 * @param object as a client has sent it, of any shape: what is no name is left to validation.
 */
export function serviceIdentityOf(
  { apiVersion, kind }: ResourceType,
  object: unknown,
  config: IdentityConfig,
): string | undefined {
  const found = RUNNING.find(({ type }) => type.apiVersion === apiVersion && type.kind === kind);
  if (!found) return undefined;
  const name = [...found.at, 'serviceAccountName'].reduce(
    (value, key) => (value as Readonly<Record<string, unknown>> | null | undefined)?.[key],
    object,
  );
  return kubernetesServiceAccount(typeof name === 'string' ? name : undefined, config) ?? 'default';
}
