import { posix } from 'node:path';
import {
  at,
  errorsOfEach,
  type FieldError,
  formatted,
  mustBe,
  repeated,
  STRICT,
  unsupported,
} from '../../fieldError.ts';
import { parseImage } from '../../image.ts';
import type { ProbePort } from '../probe/defaults.ts';
import { validateProbe } from '../probe/validation.ts';
import { validateEnvironment } from './environment.ts';
import { ingressContainer, ingressPort } from './ingress.ts';
import { validateResources } from './resources.ts';
import { CONTAINER_NAME } from './schema.ts';
import type { TemplateContainer, Volume, VolumeMount } from './types.ts';

/** Maximum number of containers of an instance (gcloud: "may include at most 10 containers"). */
const MAX_CONTAINERS = 10;

const NAME = new RegExp(`^${CONTAINER_NAME}$`);
const NAME_FORM =
  'at most 63 lowercase letters, digits, dashes and dots, starting and ending with a letter or digit';

/** The context in which the containers of a service, job or worker pool are validated. */
export interface ContainersContext {
  /** Whether one of them receives requests, as in a service. */
  ingress: boolean;
  /** Whether they belong to a task, which runs to completion (container contract, jobs). */
  task?: boolean;
  /** Type of GPU of the instance. */
  accelerator?: string;
  /** Volumes of the instance by name. */
  volumes: ReadonlyMap<string, Volume>;
}

/** Validates the containers of an instance by the rules that services, jobs and worker pools share. */
export function validateContainers(
  containers: readonly TemplateContainer[],
  around: ContainersContext,
  path: string,
): FieldError[] {
  const ingress = around.ingress ? ingressContainer(containers) : undefined;
  return [
    ...validateCount(containers, path),
    ...validatePortCount(containers, around, path),
    ...repeatedNames(containers, path),
    ...errorsOfEach(containers, (container, i) =>
      validateContainer(container, container === ingress, around, at(path, i)),
    ),
  ];
}

function validateCount(containers: readonly TemplateContainer[], path: string): FieldError[] {
  if (containers.length === 0) return [{ path, message: 'must have at least one container' }];
  if (containers.length <= MAX_CONTAINERS) return [];
  const message = `has ${containers.length} containers; it may have at most ${MAX_CONTAINERS}`;
  return [{ path, value: containers.length, message, strict: true }];
}

/** Requests go to exactly one container (container contract, Listening for requests). */
function validatePortCount(
  containers: readonly TemplateContainer[],
  { ingress, task }: ContainersContext,
  path: string,
): FieldError[] {
  if (task) return [];
  const withPorts = containers.flatMap(({ ports }, i) => (ports && ports.length > 0 ? [i] : []));
  if (withPorts.length > 1) {
    const message = `has ports in containers ${withPorts.join(', ')}; exactly one container may have ports: the ingress container`;
    return [{ path, value: withPorts.length, message }];
  }
  if (!ingress || containers.length <= 1 || withPorts.length === 1) return [];
  const message =
    'has several containers, none of them with ports; exactly one must have ports: the ingress container';
  return [{ path, value: 0, message }];
}

function repeatedNames(containers: readonly TemplateContainer[], path: string): FieldError[] {
  const names = containers.map(({ name }, i) => name || i);
  return repeated(names, path, 'name', 'the name of another container; names must be unique');
}

function validateContainer(
  container: TemplateContainer,
  ingress: boolean,
  around: ContainersContext,
  path: string,
): FieldError[] {
  const port = ingress ? portOf(container) : undefined;
  const { name, startupProbe, livenessProbe, readinessProbe, securityContext } = container;
  return [
    ...(!name || (NAME.test(name) && name.length <= 63) ? [] : [mustBe(`${path}.name`, name, NAME_FORM)]),
    ...validateImage(container.image, path),
    ...validateCommand(container.command, path),
    ...(around.task ? validateTask(container, path) : []),
    ...validateEnvironment(container, { ingress, task: around.task, service: around.ingress }, path),
    ...validateResources(container, around.accelerator, path),
    ...validateMounts(container.volumeMounts ?? [], around.volumes, `${path}.volumeMounts`),
    ...validateProbe('startupProbe', startupProbe, port, `${path}.startupProbe`),
    ...(around.task
      ? []
      : [
          ...validateProbe('livenessProbe', livenessProbe, port, `${path}.livenessProbe`),
          ...validateProbe('readinessProbe', readinessProbe, port, `${path}.readinessProbe`),
        ]),
    ...unsupported(container, ['securityContext'], path),
    ...(securityContext?.privileged ? [privileged(`${path}.securityContext.privileged`)] : []),
  ];
}

function privileged(path: string): FieldError {
  return { path, value: true, message: 'is true; privileged containers are not supported' };
}

/** A task receives no requests and runs to completion (container contract, jobs). */
function validateTask({ ports = [], ...container }: TemplateContainer, path: string): FieldError[] {
  return [
    ...(ports.length > 0 ? [needlessPorts(ports, 'a task', path)] : []),
    ...(['livenessProbe', 'readinessProbe'] as const)
      .filter((probe) => container[probe] !== undefined)
      .map((probe) => ({
        path: `${path}.${probe}`,
        message: 'must not be set: a task runs to completion; jobs support only startupProbe',
      })),
  ];
}

/** Maximum number of items of a command that all sources allow. */
const MOST_WORDS = 100;

function validateCommand(command: readonly string[] = [], path: string): FieldError[] {
  const count = command.length;
  if (count <= MOST_WORDS) return [];
  const message = `has ${count} items; it may have at most ${MOST_WORDS}`;
  return [{ path: `${path}.command`, value: count, message, strict: true, advice: true }];
}

/** A warning: the container contract has no ports in jobs and worker pools, but the API accepts them. */
export function needlessPorts(
  ports: NonNullable<TemplateContainer['ports']>,
  who: string,
  path: string,
): FieldError {
  const numbers = ports.map(({ containerPort = 0 }) => containerPort).join(', ');
  const message = `has port ${numbers}; it must be empty: ${who} receives no requests`;
  return { path: `${path}.ports`, value: ports.length, message, strict: true, advice: true };
}

function validateImage(image: string, path: string): FieldError[] {
  try {
    parseImage(image);
    return [];
  } catch (error) {
    return [{ path: `${path}.image`, value: image, message: (error as Error).message }];
  }
}

/** Paths are absolute, contain no colon and are unique (API reference, VolumeMount). */
function validateMounts(
  mounts: readonly VolumeMount[],
  volumes: ReadonlyMap<string, Volume>,
  path: string,
): FieldError[] {
  const paths = mounts.map(({ mountPath }) => normalise(mountPath));
  return [
    ...repeated(paths, path, 'mountPath', 'where another volume is mounted; paths must be unique'),
    ...errorsOfEach(mounts, (mount, i) => validateMount(mount, volumes, at(path, i))),
  ];
}

function validateMount(
  { name, mountPath, subPath }: VolumeMount,
  volumes: ReadonlyMap<string, Volume>,
  path: string,
): FieldError[] {
  const errors = validateMountPath(mountPath, `${path}.mountPath`);
  if (!volumes.has(name)) {
    const message = `is ${formatted(name)}; there is no such volume`;
    errors.push({ path: `${path}.name`, value: name, message });
  }
  // Cloud Run mounts a secret as a whole; its items select the files.
  if (subPath && volumes.get(name)?.secret) {
    const wanted = `unset for volume ${formatted(name)}, which is a secret`;
    errors.push(mustBe(`${path}.subPath`, subPath, wanted, STRICT));
  }
  return errors;
}

function validateMountPath(value: string, path: string): FieldError[] {
  if (!value.startsWith('/') || value.includes(':') || ['/', '/dev', '/dev/log'].includes(normalise(value))) {
    return [mustBe(path, value, 'an absolute path without a colon, other than /, /dev and /dev/log')];
  }
  const system = systemFolder(value);
  const message = `is ${formatted(value)}; nothing may be mounted in ${system}`;
  return system ? [{ path, value, message, strict: true }] : [];
}

/** The system directory that contains a path (Cloud Run API: disallowed mount points); undefined for other paths. */
function systemFolder(path: string): string | undefined {
  const resolved = normalise(path);
  return ['/proc', '/sys', '/dev'].find((folder) => resolved === folder || resolved.startsWith(`${folder}/`));
}

function normalise(path: string): string {
  return posix.resolve('/', path);
}

function portOf(container: TemplateContainer): ProbePort {
  return { number: ingressPort(container), name: container.ports?.[0]?.name || 'http1' };
}
