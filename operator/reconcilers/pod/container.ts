import { canonicalQuantity, compareQuantities, formatQuantity, parseQuantity } from '../../apis/quantity.ts';
import { podContainerName } from '../../apis/serving/container/names.ts';
import type { Container } from '../../apis/serving/container/types.ts';
import type { Config } from '../../config.ts';
import type { Pod } from '../../kube/core.ts';
import { withoutUndefined } from '../../kube/json.ts';
import { boostedCpu } from './boost.ts';
import { readinessProbe, startupProbe, withPort } from './probes.ts';
import { kubernetesSecret } from './secrets.ts';
import { RESTRICTED, UNPRIVILEGED } from './security.ts';

export type PodContainer = NonNullable<Pod['spec']>['containers'][number];
type EnvVar = NonNullable<Container['env']>[number];

export interface ContainerContext {
  /** The image with its digest, or as it was written where tags are left alone. */
  image: string;
  /** What the platform adds for this kind of resource (container contract, Environment variables). */
  env: Record<string, string>;
  /** The same for what only the pod knows: variable -> field of the pod. */
  podEnv?: Record<string, string>;
  /** Seconds for which SIGTERM is held back after the pod was marked for deletion. */
  preStopSeconds: number;
  /** Alias -> secret of Secret Manager. */
  secrets: ReadonlyMap<string, string>;
  /** The port that requests come to; undefined for every container but the ingress one. */
  port?: number;
  /** Whether it is made with more CPU than its limit, for its start. */
  boost: boolean;
  config: Pick<Config, 'instance'>;
}

/** What a level of Kubernetes' Pod Security Standards asks for beyond what every container of an instance has. */
const POD_SECURITY = { baseline: {}, restricted: RESTRICTED };

/** One container of an instance. */
export function podContainer(container: Container, context: ContainerContext): PodContainer {
  const { command, args, workingDir, volumeMounts, envFrom, imagePullPolicy } = container;
  const port = context.port;
  const built = {
    name: podContainerName(container.name),
    image: context.image,
    command: command?.map(literal),
    args: args?.map(literal),
    workingDir,
    env: mergeEnv(container.env ?? [], context),
    envFrom,
    imagePullPolicy,
    ports: port === undefined ? undefined : [{ name: 'user-port', containerPort: port, protocol: 'TCP' }],
    resources: resources(container.resources, context),
    volumeMounts,
    startupProbe: startupProbe(container, port),
    livenessProbe: container.livenessProbe && withPort(container.livenessProbe, port),
    readinessProbe: readinessProbe(container, port),
    securityContext: {
      ...POD_SECURITY[context.config.instance.podSecurity],
      ...container.securityContext,
      ...UNPRIVILEGED,
    },
    lifecycle:
      context.preStopSeconds > 0 ? { preStop: { sleep: { seconds: context.preStopSeconds } } } : undefined,
    terminationMessagePath: container.terminationMessagePath,
    // The last lines of the log say why a container stopped, without a right to read logs.
    terminationMessagePolicy: 'FallbackToLogsOnError',
  };
  return withoutUndefined(built) as unknown as PodContainer;
}

/** Of several entries with one name the last counts (API reference, EnvVar); the platform's own always do. */
function mergeEnv(declared: EnvVar[], { env, podEnv = {}, secrets }: ContainerContext): EnvVar[] {
  const byName = new Map<string, EnvVar>();
  for (const variable of declared) byName.set(variable.name, fromSecret(literalValue(variable), secrets));
  for (const [name, value] of Object.entries(env)) byName.set(name, { name, value });
  for (const [name, fieldPath] of Object.entries(podEnv)) {
    byName.set(name, { name, valueFrom: { fieldRef: { fieldPath } } });
  }
  return [...byName.values()];
}

function literalValue(variable: EnvVar): EnvVar {
  return variable.value === undefined ? variable : { ...variable, value: literal(variable.value) };
}

/**
 * A text that reaches the program as it is written. Cloud Run knows no $(NAME) references (API reference, Container:
 * command and args; EnvVar: value); Kubernetes does, and takes a doubled dollar for a plain one.
 */
export function literal(text: string): string {
  return text.includes('$(') || text.includes('$$') ? text.replaceAll('$', '$$$$') : text;
}

function fromSecret(variable: EnvVar, secrets: ReadonlyMap<string, string>): EnvVar {
  const secretKeyRef = variable.valueFrom?.secretKeyRef;
  if (!secretKeyRef) return variable;
  const name = kubernetesSecret(secretKeyRef.name ?? '', secrets);
  return { ...variable, valueFrom: { ...variable.valueFrom, secretKeyRef: { ...secretKeyRef, name } } };
}

/** A cluster must not reserve what an idle instance does not use, so less is requested than is allowed. */
function resources(
  declared: Container['resources'],
  { config, boost }: Pick<ContainerContext, 'config' | 'boost'>,
): object {
  const limits = declared?.limits ?? {};
  const requests: Record<string, string> = {};
  const fractions = {
    cpu: config.instance.cpuRequestFraction,
    memory: config.instance.memoryRequestFraction,
  };
  for (const [name, fraction] of Object.entries(fractions)) {
    const limit = limits[name];
    if (limit !== undefined) requests[name] = share(String(limit), fraction, name);
  }
  const wanted = withFiles({
    limits: canonical(limits),
    requests: { ...requests, ...canonical(declared?.requests ?? {}) },
  });
  return boost ? boosted(wanted) : wanted;
}

/**
 * Room on the node's disk for the log of a container, which the kubelet counts with its files: five parts of 10 MiB
 * (Kubernetes, Logging Architecture), and a little for the one that is being written.
 */
const LOG_BYTES = 64n * 2n ** 20n;

/**
 * Files count as memory (container contract, File system access), and nothing in Kubernetes counts them together. So
 * a container may write as much as it may have in memory, and the node ends an instance that writes more. Nothing is
 * requested: a scheduler need not find room for what is hardly ever written.
 */
function withFiles({ limits, requests }: Resources): Resources {
  if (limits.memory === undefined || limits[FILES] !== undefined) return { limits, requests };
  const most = formatQuantity(parseQuantity(limits.memory) + LOG_BYTES * 1_000_000_000n, 'binary');
  return { limits: { ...limits, [FILES]: most }, requests: { [FILES]: '0', ...requests } };
}

/** The resource that a container's files and log are counted as. */
const FILES = 'ephemeral-storage';

interface Resources {
  limits: Record<string, string>;
  requests: Record<string, string>;
}

/** With the CPU limit of the start. No more than before is requested, so the scheduler finds a node as easily. */
function boosted({ limits, requests }: Resources): Resources {
  if (limits.cpu === undefined) return { limits, requests };
  const cpu = boostedCpu(limits.cpu);
  const isEqual = (name: string) => compareQuantities(limits[name] ?? '0', requests[name] ?? '0') === 0;
  // A pod whose requests are its limits must stay so: its class of service cannot change while it runs.
  const guaranteed = isEqual('cpu') && isEqual('memory');
  return { limits: { ...limits, cpu }, requests: guaranteed ? { ...requests, cpu } : requests };
}

/** The part of a quantity, to the whole millicore or MiB: what a person would write. */
function share(limit: string, fraction: number, name: string): string {
  const unit = name === 'cpu' ? 1_000_000n : 1_048_576n * 1_000_000_000n;
  const part = (parseQuantity(limit) * BigInt(Math.round(fraction * 1000))) / 1000n;
  const whole = part < unit ? unit : (part / unit) * unit;
  return formatQuantity(whole, name === 'cpu' ? 'decimal' : 'binary');
}

function canonical(quantities: Record<string, string | number>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(quantities).map(([name, value]) => [name, canonicalQuantity(String(value))]),
  );
}
