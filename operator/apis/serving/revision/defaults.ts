import { RUN } from '../../annotations/run.ts';
import { parseFlag } from '../../annotations/values.ts';
import { workerPoolOf } from '../../labels.ts';
import { defaultContainer } from '../container/defaults.ts';
import { ingressContainer } from '../container/ingress.ts';
import { containerNames } from '../container/names.ts';
import type { Container, Volume } from '../container/types.ts';
import { totalCpu } from '../instance/validation.ts';
import { defaultVolume } from '../volume/defaults.ts';
import { DEFAULT_TIMEOUT_SECONDS } from './timeout.ts';
import type { Revision, RevisionSpec, TemplateSpec } from './types.ts';

/** A revision with its defaults set. A stored one is immutable and kept as it is. */
export function defaultRevision(revision: Revision, previous?: Revision): Revision {
  if (previous) return revision;
  const { name, annotations } = revision.metadata;
  const ingress = workerPoolOf(revision) === undefined;
  return { ...revision, spec: defaultRevisionSpec(revision.spec, { annotations, name, ingress }) };
}

export interface RevisionContext {
  /** Annotations of the template or revision. */
  annotations?: Record<string, string>;
  /** Name of the service or configuration, from which names of containers are generated. */
  name?: string;
  /** Whether one container receives requests, as in a service. */
  ingress?: boolean;
}

/** The spec of a revision with its defaults set. Pure and idempotent. */
export function defaultRevisionSpec(
  spec: TemplateSpec,
  { annotations = {}, name = 'container', ingress: takesRequests = true }: RevisionContext,
): RevisionSpec {
  const ingress = takesRequests ? ingressContainer(spec.containers) : undefined;
  const names = containerNames(spec.containers, name);
  const startupProbe = parseFlag(annotations[RUN.healthCheckDisabled]) !== true;
  const containers = spec.containers.map((container, i) =>
    defaultContainer(container, { name: names[i] ?? name, ingress: container === ingress, startupProbe }),
  );
  return {
    ...spec,
    containers,
    ...(spec.volumes ? { volumes: (spec.volumes as Volume[]).map(defaultVolume) } : {}),
    ...(takesRequests ? requestLimits(spec, containers) : {}),
    serviceAccountName: spec.serviceAccountName || 'default',
  };
}

function requestLimits(spec: TemplateSpec, containers: readonly Container[]) {
  return {
    containerConcurrency: spec.containerConcurrency || defaultConcurrency(containers),
    timeoutSeconds: spec.timeoutSeconds || DEFAULT_TIMEOUT_SECONDS,
  };
}

/** 80 if all containers have at least one CPU in total, else 1 (API reference, RevisionSpec: containerConcurrency). */
function defaultConcurrency(containers: readonly Container[]): number {
  return (totalCpu(containers) ?? 1) < 1 ? 1 : 80;
}
