import { APPLIED_HASH } from '../kube/plan.ts';
import { AUTOSCALING, HOMERUN, parseDependencies, parseFlag, RUN, SERVING } from './annotations.ts';
import { errorsOfEach, type FieldError, formatted, keyed } from './fieldError.ts';
import { wrongSchedule, wrongTimeZone } from './run/job/schedule.ts';

/** What an annotation stands on: a whole service or worker pool, a job, or the template of instances. */
export type AnnotationHolder =
  | 'service'
  | 'revision'
  | 'job'
  | 'executionTemplate'
  | 'execution'
  | 'workerPool';

/** What a value must be; undefined when it is fine. */
type Check = (value: string) => string | undefined;

interface Rule {
  on: readonly AnnotationHolder[];
  check: Check;
}

const anything: Check = () => undefined;
const flag: Check = (value) => (parseFlag(value) === undefined ? 'true or false' : undefined);
const oneOf =
  (...values: string[]): Check =>
  (value) =>
    values.includes(value) ? undefined : `one of ${values.join(', ')}`;
const wholeNumber =
  (minimum: number, maximum = 2 ** 31 - 1): Check =>
  (value) => {
    const fits = /^\d+$/.test(value) && Number(value) >= minimum && Number(value) <= maximum;
    return fits ? undefined : `a whole number from ${minimum} to ${maximum}`;
  };
const json =
  (shape: string, fits: (value: unknown) => boolean): Check =>
  (text) => {
    try {
      return fits(JSON.parse(text)) ? undefined : shape;
    } catch {
      return shape;
    }
  };
const isTexts = (value: unknown) => Array.isArray(value) && value.every((item) => typeof item === 'string');
const isObject = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value);
const areObjects = (value: unknown) => Array.isArray(value) && value.every(isObject);
const texts = json('a JSON list of texts', isTexts);
const object = json('a JSON object', isObject);
const dependencies: Check = (text) =>
  parseDependencies(text)
    ? undefined
    : 'JSON such as {"app":["sidecar"]}: each container with those that start before it';

const tasks: readonly AnnotationHolder[] = ['executionTemplate', 'execution'];
const instances: readonly AnnotationHolder[] = ['revision', ...tasks];
const everywhere: readonly AnnotationHolder[] = ['service', 'job', 'workerPool', ...instances];
const job: readonly AnnotationHolder[] = ['job'];
const execution: readonly AnnotationHolder[] = ['execution'];
const service: readonly AnnotationHolder[] = ['service'];
const scaled: readonly AnnotationHolder[] = ['service', 'workerPool'];
const revision: readonly AnnotationHolder[] = ['revision'];
const built: readonly AnnotationHolder[] = ['service', 'job', 'workerPool'];

const rule = (on: readonly AnnotationHolder[], check: Check = anything): Rule => ({ on, check });

/** Every key that Cloud Run knows, where it may stand and what its value may be. */
export const ANNOTATION_RULES: ReadonlyMap<string, Rule> = new Map([
  [AUTOSCALING.minScale, rule(revision, wholeNumber(0))],
  [AUTOSCALING.maxScale, rule(revision, wholeNumber(0))],
  [RUN.minScale, rule(scaled, wholeNumber(0))],
  [RUN.maxScale, rule(scaled, wholeNumber(0))],
  [RUN.scalingMode, rule(scaled, oneOf('automatic', 'manual'))],
  [RUN.manualInstanceCount, rule(scaled, wholeNumber(0))],
  [RUN.maxSurge, rule(scaled, wholeNumber(0, 100))],
  [RUN.maxUnavailable, rule(scaled, wholeNumber(0, 100))],
  [RUN.overflowScaling, rule(revision, flag)],
  [RUN.ingress, rule(service, oneOf('all', 'internal', 'internal-and-cloud-load-balancing', 'none'))],
  [RUN.ingressStatus, rule(service)],
  [RUN.urls, rule(service)],
  [RUN.operationId, rule(everywhere)],
  [RUN.invokerIamDisabled, rule(service, flag)],
  [RUN.defaultUrlDisabled, rule(service, flag)],
  [RUN.iapEnabled, rule(service, flag)],
  [RUN.customAudiences, rule(service, texts)],
  [RUN.description, rule(everywhere)],
  [RUN.gcTrafficTags, rule(service)],
  [RUN.launchStage, rule(everywhere, oneOf('ALPHA', 'BETA', 'GA'))],
  [RUN.clientName, rule(everywhere)],
  [RUN.clientVersion, rule(everywhere)],
  [RUN.binaryAuthorization, rule(everywhere)],
  [RUN.binaryAuthorizationBreakglass, rule(everywhere)],
  [RUN.threatDetection, rule(everywhere)],
  [RUN.regions, rule(service)],
  [RUN.gclbDomainName, rule(service)],
  [RUN.creator, rule(everywhere)],
  [RUN.lastModifier, rule(everywhere)],
  [RUN.creatorEmail, rule(everywhere)],
  [RUN.lastModifierEmail, rule(everywhere)],
  [RUN.executionName, rule(everywhere)],
  [RUN.cpuThrottling, rule(revision, flag)],
  [RUN.startupCpuBoost, rule(revision, flag)],
  [RUN.executionEnvironment, rule(instances, oneOf('gen1', 'gen2'))],
  [RUN.sessionAffinity, rule(revision, flag)],
  [RUN.healthCheckDisabled, rule(revision, flag)],
  [RUN.containerDependencies, rule(instances, dependencies)],
  [RUN.secrets, rule(instances, aliases)],
  [RUN.baseImages, rule(['service', 'revision'], object)],
  [RUN.sources, rule(revision, object)],
  [RUN.gpuZonalRedundancyDisabled, rule(instances, flag)],
  [RUN.cloudsqlInstances, rule(instances)],
  [RUN.vpcAccessConnector, rule(instances)],
  [RUN.vpcAccessEgress, rule(instances, oneOf('private-ranges-only', 'all-traffic', 'all'))],
  [RUN.networkInterfaces, rule(instances, json('a JSON list of objects', areObjects))],
  [RUN.encryptionKey, rule(instances)],
  [RUN.encryptionKeyShutdownHours, rule(instances, wholeNumber(1))],
  [RUN.postKeyRevocationActionType, rule(instances, oneOf('prevent-new', 'shut-down'))],
  [RUN.secureSessionAgent, rule(revision)],
  [RUN.mesh, rule(revision)],
  [RUN.meshDataplane, rule(revision, oneOf('sidecar', 'proxyless-grpc'))],
  [RUN.identity, rule(revision)],
  [RUN.enableWorkloadCertificate, rule(revision, flag)],
  [RUN.buildId, rule(built)],
  [RUN.buildName, rule(built)],
  [RUN.buildImageUri, rule(built)],
  [RUN.buildSourceLocation, rule(built)],
  [RUN.buildFunctionTarget, rule(built)],
  [RUN.buildBaseImage, rule(built)],
  [RUN.buildEnableAutomaticUpdates, rule(built, flag)],
  [RUN.buildEnvironmentVariables, rule(built, object)],
  [RUN.buildServiceAccount, rule(built)],
  [RUN.buildWorkerPool, rule(built)],
  [RUN.sourceLocation, rule(built)],
  [RUN.functionTarget, rule(built)],
  [RUN.imageUri, rule(built)],
  [RUN.enableAutomaticUpdates, rule(built, flag)],
  [SERVING.creator, rule([...scaled, ...revision])],
  [SERVING.lastModifier, rule([...scaled, ...revision])],
  // The length of a token depends on the name of the job, so it is looked at there.
  [HOMERUN.run, rule(job)],
  [HOMERUN.schedule, rule(job, wrongSchedule)],
  [HOMERUN.timeZone, rule(job, wrongTimeZone)],
  [HOMERUN.historyLimit, rule(job, wholeNumber(0, 1000))],
  [HOMERUN.overrides, rule(execution, object)],
  [HOMERUN.cancel, rule(execution, flag)],
]);

function aliases(text: string): string | undefined {
  const valid = text
    .split(',')
    .every((entry) => /^[^:=\s]+:projects\/[^/\s]+\/secrets\/[^/\s]+$/.test(entry.trim()));
  return valid ? undefined : 'ALIAS:projects/PROJECT/secrets/SECRET, several of them with commas between';
}

/** What people write, and what they mean by it. */
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
  'gpu-type': 'use spec.template.spec.nodeSelector with the key run.googleapis.com/accelerator',
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
 * The faults of the annotations of one object (Cloud Run API v1: keys of run.googleapis.com and
 * autoscaling.knative.dev are restricted). Values of known keys must make sense; a key that is unknown or stands
 * in the wrong place does nothing, so it is a fault of strict mode only.
 */
export function validateAnnotations(
  holder: AnnotationHolder,
  annotations: Record<string, string> | undefined,
  path: string,
): FieldError[] {
  return errorsOfEach(Object.entries(annotations ?? {}), ([key, value]) => {
    const [fault] = faultOf(holder, key, value);
    return fault ? [{ path: keyed(path, key), value, ...fault }] : [];
  });
}

function faultOf(
  holder: AnnotationHolder,
  key: string,
  value: string,
): Pick<FieldError, 'message' | 'strict'>[] {
  const known = ANNOTATION_RULES.get(key);
  if (known?.on.includes(holder)) {
    const wanted = known.check(value);
    if (wanted) return [{ message: `is ${formatted(value)}; it must be ${wanted}` }];
    return JOB_HOLDERS.has(holder) ? firstGeneration(key, value) : [];
  }
  const [domain = '', name = ''] = key.split('/');
  if (domain === 'autoscaling.knative.dev' && JOB_HOLDERS.has(holder)) {
    return [
      { message: 'has no effect on a job: as many tasks run as taskCount and parallelism say', strict: true },
    ];
  }
  if (known) {
    const home = homeOf(known, holder);
    return [{ message: `has no effect here; it belongs in ${home}`, strict: !isScale(key) }];
  }
  if (domain === 'autoscaling.knative.dev') return autoscaling(holder);
  if (domain === OWN_DOMAIN && key !== APPLIED_HASH) {
    return [{ message: `is not known to Homerun and has no effect; it knows ${OWN_KEYS}`, strict: true }];
  }
  if (domain !== 'run.googleapis.com') return [];
  const hint = Object.hasOwn(MISTAKES, name) ? MISTAKES[name] : undefined;
  return [{ message: `is not known to Cloud Run and has no effect${hint ? `; ${hint}` : ''}`, strict: true }];
}

const OWN_DOMAIN = 'homerun.dev';
const OWN_KEYS = Object.values(HOMERUN)
  .map((key) => key.slice(OWN_DOMAIN.length + 1))
  .join(', ');

const JOB_HOLDERS: ReadonlySet<AnnotationHolder> = new Set([...tasks, ...job]);

/** Where a key should stand; on the same kind of object, if it has a place there. */
function homeOf({ on }: Rule, holder: AnnotationHolder): string {
  const near = JOB_HOLDERS.has(holder) ? on.find((other) => JOB_HOLDERS.has(other)) : undefined;
  return WHERE[near ?? on[0] ?? holder];
}

/** Scaling keys outside of the template are refused by Knative Serving too. */
function isScale(key: string): boolean {
  return key.startsWith('autoscaling.knative.dev/');
}

function autoscaling(holder: AnnotationHolder): Pick<FieldError, 'message' | 'strict'>[] {
  if (holder === 'revision') return [{ message: 'is not supported by Cloud Run', strict: true }];
  return [
    { message: 'has no effect here; scaling of a revision belongs in spec.template.metadata.annotations' },
  ];
}

/** Jobs and worker pools run in the second generation environment alone (container contract, Container sandbox). */
export function firstGeneration(key: string, value: string): Pick<FieldError, 'message' | 'strict'>[] {
  if (key !== RUN.executionEnvironment || value !== 'gen1') return [];
  return [{ message: 'is "gen1"; jobs and worker pools run in gen2 only', strict: true }];
}

/** The faults of a least and a greatest number of instances that contradict each other. */
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
      : [
          {
            path: keyed(path, maxKey),
            value: maximum,
            message: `is ${maximum}; it must be at least ${minKey}, ${minimum}`,
          },
        ],
  );
}
