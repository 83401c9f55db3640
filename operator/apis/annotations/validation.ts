import { APPLIED_HASH } from '../../kube/types.ts';
import { errorsOfEach, type FieldError, formatted, keyed, mustBe } from '../fieldError.ts';
import { ACCELERATOR } from '../serving/instance/platform.ts';
import { type Annotation, type AnnotationHolder, TASKS } from './annotation.ts';
import { AUTOSCALING } from './autoscaling.ts';
import { HOMERUN } from './homerun.ts';
import { RUN } from './run.ts';
import { ANNOTATIONS } from './table.ts';

/** What people write in the domain of Cloud Run, mostly flags of gcloud, and what they mean by it. */
const MISTAKES: Readonly<Record<string, string>> = {
  'use-http2': 'for HTTP/2 name the port h2c (containers[].ports[0].name)',
  http2: 'for HTTP/2 name the port h2c (containers[].ports[0].name)',
  'min-instances': `use ${AUTOSCALING.minScale} in spec.template.metadata.annotations`,
  'max-instances': `use ${AUTOSCALING.maxScale} in spec.template.metadata.annotations`,
  'min-scale': `use ${AUTOSCALING.minScale} in spec.template.metadata.annotations`,
  'max-scale': `use ${AUTOSCALING.maxScale} in spec.template.metadata.annotations`,
  cpu: 'use containers[].resources.limits.cpu',
  memory: 'use containers[].resources.limits.memory',
  gpu: 'use containers[].resources.limits with the key nvidia.com/gpu',
  'gpu-type': `use spec.template.spec.nodeSelector with the key ${ACCELERATOR}`,
  timeout: 'use spec.template.spec.timeoutSeconds',
  concurrency: 'use spec.template.spec.containerConcurrency',
  port: 'use containers[].ports[0].containerPort',
  'cpu-boost': `use ${RUN.startupCpuBoost}`,
  'startup-boost': `use ${RUN.startupCpuBoost}`,
  'session-affinity': `use ${RUN.sessionAffinity}`,
  'cloudsql-instance': `use ${RUN.cloudsqlInstances}`,
  cloudsql: `use ${RUN.cloudsqlInstances}`,
  'vpc-connector': `use ${RUN.vpcAccessConnector}`,
  'vpc-egress': `use ${RUN.vpcAccessEgress}`,
  'service-account': 'use spec.template.spec.serviceAccountName',
  'volume-mounting-method': 'declare the volume in spec.template.spec.volumes',
};

const WHERE: Readonly<Record<AnnotationHolder, string>> = {
  service: 'metadata.annotations of the Service',
  revision: 'spec.template.metadata.annotations of the Service',
  job: 'metadata.annotations of the Job',
  executionTemplate: 'spec.template.metadata.annotations of the Job',
  execution: 'metadata.annotations of the Execution',
  workerPool: 'metadata.annotations of the WorkerPool',
};

/**
 * The errors in the annotations of one object (Cloud Run API v1, annotations: keys of run.googleapis.com and
 * autoscaling.knative.dev are restricted). The value of a known key must be valid. A key that is unknown or does not
 * belong here has no effect, so it is an error in strict mode only.
 */
export function validateAnnotations(
  holder: AnnotationHolder,
  annotations: Record<string, string> | undefined = {},
  path: string,
): FieldError[] {
  // There may be thousands: entries would take three times as long as keys.
  return errorsOfEach(Object.keys(annotations), (key) => {
    const value = annotations[key] ?? '';
    const error = errorOf(holder, key, value);
    return error ? [{ path: keyed(path, key), value, ...error }] : [];
  });
}

type KeyError = Pick<FieldError, 'message' | 'strict' | 'wasAllowed'>;

function errorOf(holder: AnnotationHolder, key: string, value: string): KeyError | undefined {
  const known = ANNOTATIONS.get(key);
  if (known?.on.includes(holder)) {
    const wanted = known.value?.check(value);
    if (wanted) {
      const message = `is ${formatted(value)}; it must be ${wanted}`;
      return { message, wasAllowed: known.value?.wasAllowed?.(value) };
    }
  }
  // Cloud Run does not know Knative's own: they are treated as any other key of their domain.
  const annotation = known?.effect.outcome === 'knative' ? undefined : known;
  if (annotation?.on.includes(holder)) {
    return JOB_HOLDERS.has(holder) ? firstGeneration(key, value) : undefined;
  }
  const slash = key.indexOf('/');
  const domain = slash < 0 ? key : key.slice(0, slash);
  if (domain === SCALING_DOMAIN && JOB_HOLDERS.has(holder)) {
    const message = 'has no effect on a job: as many tasks run as taskCount and parallelism say';
    return { message, strict: true };
  }
  if (annotation) {
    const message = `has no effect here; it belongs in ${homeOf(annotation, holder)}`;
    // Knative Serving rejects scaling outside of the template too.
    return { message, strict: domain !== SCALING_DOMAIN };
  }
  return unknownKey(holder, key, domain);
}

function unknownKey(holder: AnnotationHolder, key: string, domain: string): KeyError | undefined {
  const name = key.slice(domain.length + 1);
  if (domain === SCALING_DOMAIN) return unknownScaling(holder);
  if (domain === OWN_DOMAIN && key !== APPLIED_HASH) {
    return { message: `is not known to Homerun and has no effect; it knows ${OWN_KEYS}`, strict: true };
  }
  if (domain !== RUN_DOMAIN) return undefined;
  const hint = Object.hasOwn(MISTAKES, name) ? MISTAKES[name] : undefined;
  return { message: `is not known to Cloud Run and has no effect${hint ? `; ${hint}` : ''}`, strict: true };
}

const SCALING_DOMAIN = 'autoscaling.knative.dev';
const RUN_DOMAIN = 'run.googleapis.com';
const OWN_DOMAIN = 'homerun.dev';
const OWN_KEYS = Object.values(HOMERUN)
  .map((key) => key.slice(OWN_DOMAIN.length + 1))
  .join(', ');

const JOB_HOLDERS: ReadonlySet<AnnotationHolder> = new Set([...TASKS, 'job']);

/** Where a key belongs; on the same kind of object, if it may stand there. */
function homeOf({ on }: Annotation, holder: AnnotationHolder): string {
  const near = JOB_HOLDERS.has(holder) ? on.find((other) => JOB_HOLDERS.has(other)) : undefined;
  return WHERE[near ?? on[0] ?? holder];
}

function unknownScaling(holder: AnnotationHolder): KeyError {
  if (holder === 'revision') return { message: 'is not supported by Cloud Run', strict: true };
  return {
    message: 'has no effect here; scaling of a revision belongs in spec.template.metadata.annotations',
  };
}

/**
 * The error in an execution environment that jobs and worker pools do not have: they run in the second generation only
 * (container contract, Container sandbox).
 */
export function firstGeneration(key: string, value: string): KeyError | undefined {
  if (key !== RUN.executionEnvironment || value !== 'gen1') return undefined;
  return { message: 'is "gen1"; jobs and worker pools run in gen2 only', strict: true };
}

/** The errors in minimum numbers of instances that are higher than the maximum. */
export function validateScale(annotations: Record<string, string> = {}, path: string): FieldError[] {
  const number = (...keys: string[]) => {
    const value = keys.map((key) => annotations[key]).find((text) => text !== undefined);
    return value !== undefined && /^\d+$/.test(value) ? Number(value) : undefined;
  };
  const pairs = [
    [RUN.minScale, RUN.maxScale, number(RUN.minScale), number(RUN.maxScale)],
    [
      AUTOSCALING.minScale,
      AUTOSCALING.maxScale,
      number(AUTOSCALING.minScale, AUTOSCALING.minScaleKebab),
      number(AUTOSCALING.maxScale, AUTOSCALING.maxScaleKebab),
    ],
  ] as const;
  return pairs.flatMap(([minKey, maxKey, minimum = 0, maximum = 0]) =>
    maximum === 0 || minimum <= maximum
      ? []
      : [mustBe(keyed(path, maxKey), maximum, `at least ${minKey}, ${minimum}`)],
  );
}
