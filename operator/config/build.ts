import * as Type from 'typebox';
import { seconds } from './fields.ts';

/** A user or group of a container that must not be root. */
const id = (value: number) => Type.Integer({ minimum: 1, maximum: 2_147_483_647, default: value });

/** Name of a resource -> Kubernetes quantity. */
const quantities = (value: Record<string, string>) =>
  Type.Record(Type.String(), Type.Union([Type.String({ minLength: 1 }), Type.Number()]), { default: value });

/** Builds of sources: Kubernetes Jobs in the namespace of whoever deploys. */
export const BuildSchema = Type.Object(
  {
    enabled: Type.Boolean({ default: false }),
    /** `HOST[:PORT][/PATH]` that stands for `REGION-docker.pkg.dev`: images are pushed and pulled there. */
    registry: Type.String({
      pattern: '^([a-z0-9][-a-z0-9.]*(:[0-9]{1,5})?(/[a-z0-9][-a-z0-9._]*)*)?$',
      maxLength: 200,
      default: '',
    }),
    /** Secret of the type kubernetes.io/dockerconfigjson in the namespace of the build, for that registry and base images. */
    pushSecret: Type.String({ maxLength: 253, default: '' }),
    /** BuildKit, in its variant that needs no root. */
    image: Type.String({ minLength: 1, default: 'docker.io/moby/buildkit:v0.34.2-rootless' }),
    /** Where there is no Dockerfile: an image with the lifecycle of Cloud Native Buildpacks. */
    builder: Type.Object(
      {
        /** Empty: sources without a Dockerfile are not built. */
        image: Type.String({ default: '' }),
        /** The builder's own user and group (CNB_USER_ID, CNB_GROUP_ID). */
        runAsUser: id(1000),
        runAsGroup: id(1000),
      },
      { default: {}, additionalProperties: false },
    ),
    /** Whether layers are kept in the registry for the next build of the same image. */
    cache: Type.Boolean({ default: true }),
    /** How long a build may take, from its start. */
    timeoutSeconds: seconds(3600, 1, 86_400),
    /** How long it may wait to be started. */
    queueSeconds: seconds(3600, 1, 86_400),
    /** How long a build that is over can be asked for, with its log. */
    keepSeconds: seconds(86_400, 60, 2_592_000),
    /** Of the container that builds, as Kubernetes has it. */
    resources: Type.Object(
      {
        requests: quantities({ cpu: '500m', memory: '512Mi' }),
        limits: quantities({ cpu: '4', memory: '4Gi' }),
      },
      { default: {}, additionalProperties: false },
    ),
    /** Most disk for the layers of a build, as a Kubernetes quantity. */
    disk: Type.String({ pattern: '^[0-9]+(Mi|Gi|Ti|M|G|T)$', default: '20Gi' }),
  },
  { default: {} },
);
