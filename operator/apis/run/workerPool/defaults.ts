import { keepStored } from '../../keepStored.ts';
import { keepStoredTemplate } from '../../serving/configuration/defaults.ts';
import { defaultRevisionSpec } from '../../serving/revision/defaults.ts';
import type { RevisionTemplate } from '../../serving/revision/types.ts';
import { defaultServiceTraffic } from '../../serving/traffic/defaults.ts';
import { effectiveInstanceCount } from './scaling.ts';
import type { WorkerPool } from './types.ts';

/** The template of a pool with its defaults set: those of a service except for request settings. */
export function defaultPoolTemplate(template: RevisionTemplate, name: string): RevisionTemplate {
  const { annotations } = template.metadata ?? {};
  return { ...template, spec: defaultRevisionSpec(template.spec, { annotations, name, ingress: false }) };
}

/** A worker pool with its defaults set. Pure and idempotent. */
export function defaultWorkerPool(pool: WorkerPool, previous?: WorkerPool): WorkerPool {
  const { spec, metadata } = pool;
  const earlier = previous?.spec;
  const template = keepStoredTemplate(spec.template, earlier?.template, metadata.name, defaultPoolTemplate);
  // Instances are split like traffic: by default all belong to the latest ready revision.
  const splits = keepStored(spec.instanceSplits, earlier?.instanceSplits, defaultServiceTraffic, previous);
  const manualInstanceCount = effectiveInstanceCount(pool, previous);
  return { ...pool, spec: { ...spec, template, instanceSplits: splits, manualInstanceCount } };
}
