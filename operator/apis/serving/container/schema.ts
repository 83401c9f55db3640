import { Type } from 'typebox';
import { MAX_REFERENCE } from '../../image.ts';
import {
  choice,
  flag,
  int32,
  int64,
  keyed,
  list,
  object,
  optionalObject,
  quantity,
  requiredText,
  rules,
  text,
} from '../../schema.ts';
import { DATA_KEY } from '../../secretRules.ts';
import { LivenessProbeSchema, ReadinessProbeSchema, StartupProbeSchema } from '../probe/schema.ts';

/** Maximum number of containers of an instance in the schema; Cloud Run's own limit is 10. */
export const MAX_CONTAINERS = 20;
/** Maximum number of environment variables of a container. */
export const MAX_ENV = 1000;
/** Most bytes of a variable's value, and so of its characters (API reference v2, EnvVar). */
export const MAX_VALUE = 32_768;
const MAX_MOUNTS = 50;

const reference = (what: string) => ({
  name: text(253, `Name of the ${what}.`),
  optional: flag(`Whether the ${what} may be missing.`),
});

const keySelector = (what: string, key: string) =>
  object(
    `A key of a ${what}.`,
    {
      key: requiredText(253, key, { minLength: 1, pattern: DATA_KEY }),
      ...reference(what),
    },
    { 'x-kubernetes-map-type': 'atomic' },
  );

/** A field of the pod or of one of its containers, as the value of a variable or the content of a file. */
export const downwardFields = (note = '') => ({
  fieldRef: optionalObject(`A field of the pod.${note}`, {
    apiVersion: text(64, 'API version of the field path.'),
    fieldPath: requiredText(1024, 'Path of the field.'),
  }),
  resourceFieldRef: optionalObject(`A resource of a container.${note}`, {
    containerName: text(63, 'Name of the container.'),
    divisor: Type.Optional(quantity('Unit of the value.')),
    resource: requiredText(253, 'Resource name.'),
  }),
});

/** The grammar of image references; image.ts implements the same with better messages. */
const IMAGE = (() => {
  const part = '[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*';
  const host = '([a-zA-Z0-9.-]+|\\[[a-fA-F0-9:]+\\])(:[0-9]{1,5})?/';
  return `^(${host})?${part}(/${part})*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@[a-z0-9+._-]+:[a-fA-F0-9]{32,})?$`;
})();

/** Set by the platform in every container of a service (container contract, Environment variables for services). */
export const RESERVED_NAMES = ['K_SERVICE', 'K_CONFIGURATION', 'K_REVISION'] as const;

/** An environment variable of a container. */
export const EnvVarSchema = Type.Object({
  name: Type.String({
    description: 'Name of the variable: printable ASCII without =. PORT and K_* are set by the platform.',
    minLength: 1,
    maxLength: 1024,
    pattern: '^[ -<>-~]+$',
  }),
  value: text(MAX_VALUE, 'Value of the variable.'),
  valueFrom: optionalObject(
    'Where the value comes from; not together with value.',
    {
      secretKeyRef: Type.Optional(
        keySelector('secret', 'Version of the secret (latest, a number or an alias), or key of a Secret.'),
      ),
      configMapKeyRef: Type.Optional(
        keySelector('ConfigMap', 'Key of the ConfigMap. Not supported by Cloud Run.'),
      ),
      ...downwardFields(' Not supported by Cloud Run.'),
    },
    rules({
      rule: '[has(self.secretKeyRef), has(self.configMapKeyRef), has(self.fieldRef), has(self.resourceFieldRef)].filter(s, s).size() == 1',
      message: 'valueFrom needs exactly one of secretKeyRef, configMapKeyRef, fieldRef, resourceFieldRef',
    }),
  ),
});

const EnvFrom = Type.Object({
  prefix: text(253, 'Prefix of each name.'),
  configMapRef: optionalObject('Every key of a ConfigMap.', reference('ConfigMap')),
  secretRef: optionalObject('Every key of a Secret.', reference('Secret')),
});

const Port = Type.Object({
  containerPort: int32(0, 65_535, 'Port that the container listens on; 8080 when unset or 0.'),
  name: choice(['http1', 'h2c', ''], 'Protocol of the container: http1 (default) or h2c.'),
  protocol: choice(['TCP', ''], 'TCP.'),
});

const VolumeMount = Type.Object({
  name: requiredText(63, 'Name of the volume.', { minLength: 1 }),
  mountPath: requiredText(1024, 'Absolute path in the container, without a colon.', {
    minLength: 1,
    pattern: '^/[^:]*$',
  }),
  readOnly: flag('Whether the mount is read-only.'),
  subPath: text(1024, 'Path within the volume to mount; its root when unset.'),
});

const resourceList = (description: string) =>
  Type.Optional(Type.Record(Type.String(), quantity(), { description, maxProperties: 20 }));

/** Largest id of a user or group. */
export const MAX_ID = 2 ** 31 - 1;

/** The system call filter of a container, or of all of a pod. */
export const SeccompProfile = optionalObject('System call filter.', {
  type: requiredText(64, 'RuntimeDefault, Localhost or Unconfined.'),
  localhostProfile: text(1024, 'Profile file on the node.'),
});

/** The fields of a security context that the contract permits (container contract, Privileged containers). */
const SecurityContextSchema = object('Security settings of the container. Not supported by Cloud Run.', {
  allowPrivilegeEscalation: flag('Whether a process may gain more privileges than its parent.'),
  capabilities: optionalObject('Linux capabilities.', {
    add: list(
      Type.String({ maxLength: 64 }),
      1,
      'Only NET_BIND_SERVICE may be added.',
      rules({
        rule: "self.all(c, c == 'NET_BIND_SERVICE')",
        message: 'only NET_BIND_SERVICE may be added: privileged containers are not supported',
      }),
    ),
    drop: list(Type.String({ maxLength: 64 }), 64, 'Capabilities to drop.'),
  }),
  privileged: flag('Must be false.', { rule: '!self', message: 'privileged containers are not supported' }),
  readOnlyRootFilesystem: flag('Whether the root file system is read-only.'),
  runAsGroup: int64(0, MAX_ID, 'Group id of the process.'),
  runAsNonRoot: flag('Whether the container must not run as root.'),
  runAsUser: int64(0, MAX_ID, 'User id of the process; that of the image when unset.'),
  seccompProfile: SeccompProfile,
});

/** As gcloud accepts them, including dots. */
export const CONTAINER_NAME = '[a-z0-9]([-.a-z0-9]*[a-z0-9])?';

const fields = {
  image: Type.String({
    description: 'Image reference: [HOST[:PORT]/]PATH[:TAG][@DIGEST].',
    minLength: 1,
    maxLength: MAX_REFERENCE,
    ...rules({
      rule: `self.matches('${IMAGE.replaceAll('\\', '\\\\')}')`,
      messageExpression:
        "'image \\'' + self + '\\' does not parse; it must be [HOST[:PORT]/]PATH[:TAG][@DIGEST] with a lowercase path'",
      message: 'image does not parse; it must be [HOST[:PORT]/]PATH[:TAG][@DIGEST] with a lowercase path',
    }),
  }),
  command: list(Type.String({ maxLength: 32_768 }), 1000, 'Entrypoint; that of the image when unset.'),
  args: list(Type.String({ maxLength: 32_768 }), 1000, 'Arguments to the entrypoint.'),
  env: list(EnvVarSchema, MAX_ENV, 'Environment variables; the last of several with the same name wins.'),
  envFrom: list(EnvFrom, 50, 'Sources of environment variables. Not supported by Cloud Run.'),
  workingDir: text(4096, 'Working directory; that of the image when unset.'),
  ports: list(
    Port,
    1,
    'The port that receives requests. The container that has it is the ingress container.',
  ),
  resources: optionalObject('Compute resources.', {
    limits: resourceList('Maximum resources: cpu (default 1000m), memory (default 512Mi), nvidia.com/gpu.'),
    requests: resourceList('Minimum resources; the limits when unset.'),
  }),
  volumeMounts: list(VolumeMount, MAX_MOUNTS, 'Volumes mounted into the container.', keyed('mountPath')),
  startupProbe: Type.Optional(StartupProbeSchema),
  livenessProbe: Type.Optional(LivenessProbeSchema),
  readinessProbe: Type.Optional(ReadinessProbeSchema),
  imagePullPolicy: choice(['Always', 'IfNotPresent', 'Never', ''], 'When to pull the image.'),
  securityContext: Type.Optional(SecurityContextSchema),
  terminationMessagePath: text(1024, 'File with the termination message.'),
  terminationMessagePolicy: choice(
    ['File', 'FallbackToLogsOnError', ''],
    'Source of the termination message when the file is empty.',
  ),
};

const description = 'A container of an instance.';
const NAMED = 'Name of the container: lowercase letters, digits, dashes and dots';

/** A container in a template of a service, job or worker pool, which share one schema. */
export const TemplateContainerSchema = object(description, {
  name: text(63, `${NAMED}; generated when unset.`, { pattern: `^(${CONTAINER_NAME})?$` }),
  ...fields,
});

/** A container of a revision: its defaults are set, so it has a name. */
export const ContainerSchema = object(description, {
  name: requiredText(63, `${NAMED}.`, { pattern: `^${CONTAINER_NAME}$` }),
  ...fields,
});
