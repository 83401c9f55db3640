import { type TSchema, Type } from 'typebox';
import { honouredOn } from '../../annotations/table.ts';
import {
  type CelRule,
  flag,
  int32,
  int64,
  list,
  OPTIONAL_DNS_LABEL,
  object,
  rules,
  text,
  textMap,
} from '../../schema.ts';
import {
  ContainerSchema,
  MAX_CONTAINERS,
  RESERVED_NAMES,
  TemplateContainerSchema,
} from '../container/schema.ts';
import { CONTAINER_NAMES, instanceFields, MOUNTED_VOLUMES } from '../instance/schema.ts';
import { schedulingFields } from '../scheduling/schema.ts';
import { statusFields } from '../statusSchema.ts';

const WITH_PORT = 'self.containers.filter(c, has(c.ports) && c.ports.size() > 0).size()';

const PORT_VARIABLE: CelRule = {
  rule: "self.containers.all(c, !(self.containers.size() == 1 || (has(c.ports) && c.ports.size() > 0)) || !has(c.env) || !c.env.exists(e, e.name == 'PORT'))",
  message: 'PORT is set by the platform in the ingress container',
  fieldPath: '.containers',
};

const SERVICE_VARIABLES: CelRule = {
  rule: `self.containers.all(c, !has(c.env) || c.env.all(e, !(e.name in ['${RESERVED_NAMES.join("', '")}'])))`,
  message: `${RESERVED_NAMES.join(', ')} are set by the platform`,
  fieldPath: '.containers',
};

/** Exactly one container of a service receives requests; a revision may belong to a worker pool, which has none. */
const INGRESS: Record<'template' | 'revision', CelRule> = {
  template: {
    rule: `self.containers.size() == 1 || ${WITH_PORT} == 1`,
    message: 'exactly one of several containers must have ports: the ingress container',
    fieldPath: '.containers',
  },
  revision: {
    rule: `${WITH_PORT} <= 1`,
    message: 'only one container may have ports: the ingress container',
    fieldPath: '.containers',
  },
};

function revisionSpecSchema<T extends TSchema>(container: T, ...ingress: CelRule[]) {
  return object(
    'Spec of an instance.',
    {
      ...instanceFields(container, 'Containers of an instance; the one with ports receives the requests.'),
      containerConcurrency: int64(
        0,
        1000,
        'Maximum number of concurrent requests per instance; when unset or 0, 80 with at least one CPU, else 1.',
      ),
      timeoutSeconds: int64(0, 3600, 'Request timeout in seconds; 300 when unset or 0.'),
      responseStartTimeoutSeconds: int64(
        0,
        3600,
        'Maximum time to the first byte of a response in seconds. Not supported by Cloud Run.',
      ),
      idleTimeoutSeconds: int64(
        0,
        3600,
        'Maximum time without traffic in either direction in seconds. Not supported by Cloud Run.',
      ),
      runtimeClassName: text(253, 'Runtime class; unset for the default one.'),
      imagePullSecrets: list(
        Type.Object({ name: text(253, 'Name of the Secret.') }, { 'x-kubernetes-map-type': 'atomic' }),
        50,
        'Image pull secrets. Not supported by Cloud Run.',
      ),
      enableServiceLinks: flag(
        'Whether services are injected as environment variables. Not supported by Cloud Run.',
      ),
      automountServiceAccountToken: flag(
        'Whether to mount a Kubernetes API token. Not supported by Cloud Run.',
      ),
      ...schedulingFields,
    },
    rules(...ingress, CONTAINER_NAMES, MOUNTED_VOLUMES),
  );
}

const TemplateMetadata = object('Metadata of the revision.', {
  name: text(
    63,
    'Name of the revision, starting with the name of the service and a dash. Generated when unset.',
    { pattern: OPTIONAL_DNS_LABEL },
  ),
  namespace: text(63, 'Ignored: a revision is in the namespace of its service.'),
  labels: textMap(200, 'Labels of the revision.'),
  annotations: textMap(
    200,
    `Annotations of the revision, all strings. Those with an effect: ${honouredOn('revision')}.`,
  ),
  creationTimestamp: text(64, 'Ignored.', { nullable: true }),
});

const NAMED = (self: string) =>
  `has(${self}.metadata) && has(${self}.metadata.name) && ${self}.metadata.name != ''`;

function templateSchema(...ingress: CelRule[]) {
  return object(
    'Template of the next revision. Any change creates a new revision.',
    {
      metadata: Type.Optional(TemplateMetadata),
      spec: revisionSpecSchema(TemplateContainerSchema, ...ingress),
    },
    rules({
      rule: `!(${NAMED('self')}) || !(${NAMED('oldSelf')}) || self.metadata.name != oldSelf.metadata.name || self == oldSelf`,
      message: 'a changed template needs a new metadata.name, or none',
      fieldPath: '.metadata.name',
    }),
  );
}

/** Template of the next revision of a service or configuration. */
export const RevisionTemplateSchema = templateSchema(INGRESS.template, PORT_VARIABLE, SERVICE_VARIABLES);

/** Template of the next revision of a worker pool, which receives no requests. */
export const WorkerPoolTemplateSchema = templateSchema({
  rule: '!has(self.containerConcurrency) || self.containerConcurrency == 0',
  message: 'a worker pool receives no requests, so it has no containerConcurrency',
  fieldPath: '.containerConcurrency',
});

/** An explicit revision name must start with the owner's name (gcloud: --revision-suffix). */
export const REVISION_NAME_RULE: CelRule = {
  rule: `!(${NAMED('self.spec.template')}) || self.spec.template.metadata.name.startsWith(self.metadata.name + '-')`,
  messageExpression:
    "'name of the revision is \\'' + self.spec.template.metadata.name + '\\'; it must start with \\'' + self.metadata.name + '-\\''",
  message: 'the name of a revision must start with the name of its owner and a dash',
  fieldPath: '.spec.template.metadata.name',
};

/** `status` of a revision. */
export const RevisionStatusSchema = object('Observed state of the revision.', {
  ...statusFields,
  containerStatuses: list(
    Type.Object({
      name: text(63, 'Name of the container.'),
      imageDigest: text(1024, 'Image by digest.'),
    }),
    MAX_CONTAINERS,
    'Resolved images of the containers.',
  ),
  imageDigest: text(1024, 'Image of the ingress container, by digest.'),
  logUrl: text(2048, 'Where the logs are.'),
  serviceName: text(253, 'Name of the core Service.'),
  desiredReplicas: int32(0, 2 ** 31 - 1, 'Desired number of instances.'),
  actualReplicas: int32(0, 2 ** 31 - 1, 'Actual number of instances.'),
  scaling: text(
    1024,
    'Why there are so many instances: what their number goes by and its numbers, of which those that are measured may be some time old.',
  ),
});

/** `spec` of a revision. */
export const RevisionSpecSchema = revisionSpecSchema(ContainerSchema, INGRESS.revision);
