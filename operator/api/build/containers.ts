import type { Config } from '../../config.ts';
import type { Pod } from '../../kube/core.ts';
import { literal } from '../../reconcilers/pod/container.ts';
import { RESTRICTED } from '../../reconcilers/pod/security.ts';
import { SOURCE_CONTAINER, WORKSPACE } from '../../reconcilers/pod/source.ts';
import { placedImage } from '../../registry/artifactRegistry.ts';
import { BUILD, BUILD_CONTAINER } from './names.ts';
import type { BuildRequest } from './request.ts';

type PodSpec = NonNullable<Pod['spec']>;
type Container = PodSpec['containers'][number];
type Volume = NonNullable<PodSpec['volumes']>[number];

/** What decides how builds run. */
export interface BuildConfig {
  build: Config['build'];
  source: Config['source'];
  registry: Pick<Config['registry'], 'insecure'>;
  metadata: Pick<Config['metadata'], 'region'>;
}

/** What a build runs in, and what its pod needs for that. */
export interface Build {
  container: Container;
  volumes: Volume[];
  /** Of the pod. */
  annotations: Record<string, string>;
  user: number;
}

const DOCKER_FOLDER = '/docker';
const CONFIG_FOLDER = '/build-config';
const LAYERS_FOLDER = '/layers';
const PLATFORM_FOLDER = '/platform/env';
/** The user in BuildKit's image (moby/buildkit, docs/rootless.md). */
const BUILDKIT_USER = 1000;

/**
 * What ends well says the digest of the image as its termination message; what fails has its last lines there, as Kubernetes
 * puts them where a container writes nothing.
 */
const BUILDKIT = `buildctl-daemonless.sh build "$@" --metadata-file /tmp/build.json
grep -o '"containerimage.digest": *"sha256:[0-9a-f]*"' /tmp/build.json >/dev/termination-log`;
/** The lifecycle takes folders of its own user's only; Kubernetes makes that of a volume root's. */
const LIFECYCLE = `mkdir -p ${LAYERS_FOLDER}/app
exec /cnb/lifecycle/creator "$@"`;

/** The container that builds a request: BuildKit for a Dockerfile, or the lifecycle of Cloud Native Buildpacks. Pure. */
export function buildOf(request: BuildRequest, config: BuildConfig): Build {
  return request.variables ? buildpacks(request.variables, request, config) : dockerfile(request, config);
}

function dockerfile(request: BuildRequest, config: BuildConfig): Build {
  const target = targetOf(request, config);
  const insecure = config.registry.insecure;
  const args = [
    ...['--progress=plain', '--frontend=dockerfile.v0'],
    ...[`--local=context=${WORKSPACE}`, `--local=dockerfile=${WORKSPACE}`],
    `--output=type=image,name=${target},push=true`,
    ...(config.build.cache ? caches(cacheOf(target, 'buildkit')) : []),
  ];
  return {
    container: common(config, {
      image: config.build.image,
      command: ['/bin/sh', '-euc', BUILDKIT, 'build'],
      args,
      env: [
        {
          name: 'BUILDKITD_FLAGS',
          value: `--config ${CONFIG_FOLDER}/buildkitd.toml --oci-worker-no-process-sandbox`,
        },
      ],
      volumeMounts: [
        { name: SOURCE_CONTAINER, mountPath: WORKSPACE, readOnly: true },
        { name: 'layers', mountPath: '/home/user/.local/share/buildkit' },
        { name: 'config', mountPath: CONFIG_FOLDER, readOnly: true },
      ],
      // It makes a user namespace and mounts in it, which the default profiles forbid, with helpers that are setuid.
      securityContext: {
        runAsNonRoot: true,
        runAsUser: BUILDKIT_USER,
        runAsGroup: BUILDKIT_USER,
        seccompProfile: { type: 'Unconfined' },
        appArmorProfile: { type: 'Unconfined' },
      },
    }),
    volumes: [
      ...volumesOf(config),
      { name: 'config', downwardAPI: { items: [annotationFile('buildkitd.toml', BUILD.config)] } },
    ],
    annotations: { [BUILD.config]: insecure.map(insecureRegistry).join('') },
    user: BUILDKIT_USER,
  };
}

function buildpacks(
  variables: Readonly<Record<string, string>>,
  request: BuildRequest,
  config: BuildConfig,
): Build {
  const { image, runAsUser: user, runAsGroup: group } = config.build.builder;
  const target = targetOf(request, config);
  const args = [
    ...[`-app=${WORKSPACE}`, `-layers=${LAYERS_FOLDER}/app`, '-report=/dev/termination-log'],
    ...['-no-color', `-uid=${user}`, `-gid=${group}`],
    ...config.registry.insecure.map((host) => `-insecure-registry=${host}`),
    ...(config.build.cache && !overHttp(target, config)
      ? [`-cache-image=${cacheOf(target, 'buildpacks')}`]
      : []),
    target,
  ];
  const named = Object.entries(variables);
  const items = named.map(([name], i) => annotationFile(name, BUILD.variable(i)));
  const platform = items.length > 0;
  return {
    container: common(config, {
      image,
      command: ['/bin/sh', '-euc', LIFECYCLE, 'build'],
      args,
      // The first that knows registries without TLS (Buildpack specification, Platform Interface 0.13).
      env: [{ name: 'CNB_PLATFORM_API', value: '0.13' }],
      volumeMounts: [
        { name: SOURCE_CONTAINER, mountPath: WORKSPACE },
        { name: 'layers', mountPath: LAYERS_FOLDER },
        ...(platform ? [{ name: 'platform', mountPath: PLATFORM_FOLDER, readOnly: true }] : []),
      ],
      securityContext: { ...RESTRICTED, runAsUser: user, runAsGroup: group },
    }),
    volumes: [...volumesOf(config), ...(platform ? [{ name: 'platform', downwardAPI: { items } }] : [])],
    annotations: Object.fromEntries(named.map(([, value], i) => [BUILD.variable(i), value])),
    user,
  };
}

type Differing = 'image' | 'command' | 'args' | 'securityContext';

function common(
  { build }: BuildConfig,
  { env = [], volumeMounts = [], ...container }: Partial<Container> & Required<Pick<Container, Differing>>,
): Container {
  const credentials = build.pushSecret !== '';
  return {
    name: BUILD_CONTAINER,
    ...container,
    args: container.args.map(literal),
    env: [...env, ...(credentials ? [{ name: 'DOCKER_CONFIG', value: DOCKER_FOLDER }] : [])],
    resources: build.resources,
    volumeMounts: [
      ...volumeMounts,
      ...(credentials ? [{ name: 'docker', mountPath: DOCKER_FOLDER, readOnly: true }] : []),
    ],
    terminationMessagePolicy: 'FallbackToLogsOnError',
  };
}

function volumesOf({ build }: BuildConfig): Volume[] {
  const items = [{ key: '.dockerconfigjson', path: 'config.json' }];
  const docker: Volume = { name: 'docker', secret: { secretName: build.pushSecret, items } };
  return [{ name: 'layers', emptyDir: { sizeLimit: build.disk } }, ...(build.pushSecret ? [docker] : [])];
}

function annotationFile(path: string, annotation: string) {
  return { path, fieldRef: { fieldPath: `metadata.annotations['${annotation}']` } };
}

/** Where the image is pushed to. */
function targetOf({ image }: BuildRequest, { build, metadata }: BuildConfig): string {
  return placedImage(image, { region: metadata.region, registry: build.registry });
}

/** Beside the image, under a tag of its own: one for all builds of it. */
function cacheOf(target: string, builder: string): string {
  return `${target.replace(/:[^:/]*$/, '')}:homerun-cache-${builder}`;
}

/** Such a registry the lifecycle asks for the image, and not for the cache (cache.NewImageCacheFromName, v0.21): the build would fail. */
function overHttp(target: string, { registry }: BuildConfig): boolean {
  return registry.insecure.some((host) => target.startsWith(`${host}/`));
}

function caches(ref: string): string[] {
  // Without a cache yet, or with one that cannot be written, the build goes on.
  return [
    `--import-cache=type=registry,ref=${ref}`,
    `--export-cache=type=registry,ref=${ref},mode=max,ignore-error=true`,
  ];
}

/** As BuildKit's configuration has it; a text of TOML is one of JSON. */
function insecureRegistry(host: string): string {
  return `[registry.${JSON.stringify(host)}]\n  http = true\n`;
}
