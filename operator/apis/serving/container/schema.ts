import { Type } from 'typebox';
import { MAX_REFERENCE } from '../../image.ts';
import { choice, flag, int32, int64, keyed, list, quantity, rules, text } from '../../schema.ts';
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
  name: text(253, { description: `Name of the ${what}.` }),
  optional: flag(`Whether the ${what} may be missing.`),
});

const keySelector = (what: string, key: string) =>
  Type.Object(
    {
      key: Type.String({ description: key, minLength: 1, maxLength: 253, pattern: DATA_KEY }),
      ...reference(what),
    },
    { description: `A key of a ${what}.`, 'x-kubernetes-map-type': 'atomic' },
  );

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
  value: text(MAX_VALUE, { description: 'Value of the variable.' }),
  valueFrom: Type.Optional(
    Type.Object(
      {
        secretKeyRef: Type.Optional(
          keySelector('secret', 'Version of the secret (latest, a number or an alias), or key of a Secret.'),
        ),
        configMapKeyRef: Type.Optional(
          keySelector('ConfigMap', 'Key of the ConfigMap. Not supported by Cloud Run.'),
        ),
        fieldRef: Type.Optional(
          Type.Object(
            {
              apiVersion: text(64, { description: 'API version of the field path.' }),
              fieldPath: Type.String({ description: 'Path of the field.', maxLength: 1024 }),
            },
            { description: 'A field of the pod. Not supported by Cloud Run.' },
          ),
        ),
        resourceFieldRef: Type.Optional(
          Type.Object(
            {
              containerName: text(63, { description: 'Name of the container.' }),
              divisor: Type.Optional(quantity({ description: 'Unit of the value.' })),
              resource: Type.String({ description: 'Resource name.', maxLength: 253 }),
            },
            { description: 'A resource of a container. Not supported by Cloud Run.' },
          ),
        ),
      },
      {
        description: 'Where the value comes from; not together with value.',
        ...rules({
          rule: '[has(self.secretKeyRef), has(self.configMapKeyRef), has(self.fieldRef), has(self.resourceFieldRef)].filter(s, s).size() == 1',
          message: 'valueFrom needs exactly one of secretKeyRef, configMapKeyRef, fieldRef, resourceFieldRef',
        }),
      },
    ),
  ),
});

const EnvFrom = Type.Object({
  prefix: text(253, { description: 'Prefix of each name.' }),
  configMapRef: Type.Optional(
    Type.Object(reference('ConfigMap'), { description: 'Every key of a ConfigMap.' }),
  ),
  secretRef: Type.Optional(Type.Object(reference('Secret'), { description: 'Every key of a Secret.' })),
});

const Port = Type.Object({
  containerPort: int32(0, 65_535, {
    description: 'Port that the container listens on; 8080 when unset or 0.',
  }),
  name: choice(['http1', 'h2c', ''], { description: 'Protocol of the container: http1 (default) or h2c.' }),
  protocol: choice(['TCP', ''], { description: 'TCP.' }),
});

const VolumeMount = Type.Object({
  name: Type.String({ description: 'Name of the volume.', minLength: 1, maxLength: 63 }),
  mountPath: Type.String({
    description: 'Absolute path in the container, without a colon.',
    minLength: 1,
    maxLength: 1024,
    pattern: '^/[^:]*$',
  }),
  readOnly: flag('Whether the mount is read-only.'),
  subPath: text(1024, { description: 'Path within the volume to mount; its root when unset.' }),
});

const resourceList = (description: string) =>
  Type.Optional(Type.Record(Type.String(), quantity(), { description, maxProperties: 20 }));

const MAX_ID = 2 ** 31 - 1;

/** The fields of a security context that the contract permits (container contract, Privileged containers). */
export const SecurityContextSchema = Type.Object(
  {
    allowPrivilegeEscalation: flag('Whether a process may gain more privileges than its parent.'),
    capabilities: Type.Optional(
      Type.Object(
        {
          add: list(Type.String({ maxLength: 64 }), 1, {
            description: 'Only NET_BIND_SERVICE may be added.',
            ...rules({
              rule: "self.all(c, c == 'NET_BIND_SERVICE')",
              message: 'only NET_BIND_SERVICE may be added: privileged containers are not supported',
            }),
          }),
          drop: list(Type.String({ maxLength: 64 }), 64, { description: 'Capabilities to drop.' }),
        },
        { description: 'Linux capabilities.' },
      ),
    ),
    privileged: flag('Must be false.', { rule: '!self', message: 'privileged containers are not supported' }),
    readOnlyRootFilesystem: flag('Whether the root file system is read-only.'),
    runAsGroup: int64(0, MAX_ID, { description: 'Group id of the process.' }),
    runAsNonRoot: flag('Whether the container must not run as root.'),
    runAsUser: int64(0, MAX_ID, { description: 'User id of the process; that of the image when unset.' }),
    seccompProfile: Type.Optional(
      Type.Object(
        {
          type: Type.String({ description: 'RuntimeDefault, Localhost or Unconfined.', maxLength: 64 }),
          localhostProfile: text(1024, { description: 'Profile file on the node.' }),
        },
        { description: 'System call filter.' },
      ),
    ),
  },
  { description: 'Security settings of the container. Not supported by Cloud Run.' },
);

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
  command: list(Type.String({ maxLength: 32_768 }), 1000, {
    description: 'Entrypoint; that of the image when unset.',
  }),
  args: list(Type.String({ maxLength: 32_768 }), 1000, { description: 'Arguments to the entrypoint.' }),
  env: list(EnvVarSchema, MAX_ENV, {
    description: 'Environment variables; the last of several with the same name wins.',
  }),
  envFrom: list(EnvFrom, 50, {
    description: 'Sources of environment variables. Not supported by Cloud Run.',
  }),
  workingDir: text(4096, { description: 'Working directory; that of the image when unset.' }),
  ports: Type.Optional(
    Type.Array(Port, {
      description: 'The port that receives requests. The container that has it is the ingress container.',
      maxItems: 1,
      'x-kubernetes-list-type': 'atomic',
    }),
  ),
  resources: Type.Optional(
    Type.Object(
      {
        limits: resourceList(
          'Maximum resources: cpu (default 1000m), memory (default 512Mi), nvidia.com/gpu.',
        ),
        requests: resourceList('Minimum resources; the limits when unset.'),
      },
      { description: 'Compute resources.' },
    ),
  ),
  volumeMounts: list(VolumeMount, MAX_MOUNTS, {
    ...keyed('mountPath'),
    description: 'Volumes mounted into the container.',
  }),
  startupProbe: Type.Optional(StartupProbeSchema),
  livenessProbe: Type.Optional(LivenessProbeSchema),
  readinessProbe: Type.Optional(ReadinessProbeSchema),
  imagePullPolicy: choice(['Always', 'IfNotPresent', 'Never', ''], {
    description: 'When to pull the image.',
  }),
  securityContext: Type.Optional(SecurityContextSchema),
  terminationMessagePath: text(1024, { description: 'File with the termination message.' }),
  terminationMessagePolicy: choice(['File', 'FallbackToLogsOnError', ''], {
    description: 'Source of the termination message when the file is empty.',
  }),
};

const description = 'A container of an instance.';
const NAMED = 'Name of the container: lowercase letters, digits, dashes and dots';

/** A container in a template of a service, job or worker pool, which share one schema. */
export const TemplateContainerSchema = Type.Object(
  {
    name: text(63, {
      description: `${NAMED}; generated when unset.`,
      pattern: `^(${CONTAINER_NAME})?$`,
    }),
    ...fields,
  },
  { description },
);

/** A container of a revision: its defaults are set, so it has a name. */
export const ContainerSchema = Type.Object(
  {
    name: Type.String({
      description: `${NAMED}.`,
      maxLength: 63,
      pattern: `^${CONTAINER_NAME}$`,
    }),
    ...fields,
  },
  { description },
);
