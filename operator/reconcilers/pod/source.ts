import { podContainerName } from '../../apis/serving/container/names.ts';
import type { Container } from '../../apis/serving/container/types.ts';
import { baseImageOf, type ContainerSource, sourceOf } from '../../apis/serving/instance/source.ts';
import type { Config } from '../../config.ts';
import type { Pod } from '../../kube/core.ts';
import { withoutUndefined } from '../../kube/json.ts';
import { SOURCE_AUDIENCE } from '../../source/contact.ts';
import { SOURCE_LIMITS } from '../../source/limits.ts';
import { literal, type PodContainer } from './container.ts';
import { RESTRICTED } from './security.ts';

type PodSpec = NonNullable<Pod['spec']>;
type Volume = NonNullable<PodSpec['volumes']>[number];

/** The container that unpacks the source before the others start, and the volumes that it needs. */
export const SOURCE_CONTAINER = 'homerun-source';
const ARCHIVE = 'homerun-source-archive';
const ACCESS = 'homerun-source-access';

/** Where the program finds its source, and starts. */
export const WORKSPACE = '/workspace';
const ARCHIVE_FOLDER = '/archive';
/** Where a client of the API server looks for what a pod knows of it (Kubernetes, Accessing the Kubernetes API from a Pod). */
const ACCESS_FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount';
/** The shortest that Kubernetes gives. */
const TOKEN_SECONDS = 600;

/** The containers of a revision with the images that they run: a source runs on its base image. */
export function startedContainers(
  annotations: Record<string, string> | undefined,
  containers: readonly Container[],
  { instance }: Pick<Config, 'instance'>,
): Container[] {
  const source = sourceOf(annotations, containers);
  return containers.map((container) => {
    if (source?.baseImage === undefined || container.name !== source.container) return container;
    return { ...container, image: baseImageOf(source.baseImage, instance.baseImages) };
  });
}

/**
 * A pod whose program is a source on a base image. A container of Homerun's own image unpacks the source into a volume before
 * any other starts; it alone has a token, which is for the Admin API and for reading where that is. The program gets the
 * files and no token.
 */
export function withSource(spec: PodSpec, source: ContainerSource, config: Pick<Config, 'source'>): PodSpec {
  const target = podContainerName(source.container ?? '');
  const mounted = (container: PodContainer) =>
    container.name === target ? withWorkspace(container) : container;
  return {
    ...spec,
    initContainers: [unpacking(source, config), ...(spec.initContainers ?? []).map(mounted)],
    containers: spec.containers.map(mounted),
    volumes: [...(spec.volumes ?? []), ...sourceVolumes()],
  };
}

function withWorkspace(container: PodContainer): PodContainer {
  return {
    ...container,
    workingDir: container.workingDir ?? WORKSPACE,
    volumeMounts: [...(container.volumeMounts ?? []), { name: SOURCE_CONTAINER, mountPath: WORKSPACE }],
  };
}

/** The container that fetches the archive at `url` and unpacks it into {@link WORKSPACE}, the volume {@link SOURCE_CONTAINER}. */
export function unpacking(
  { url }: Pick<ContainerSource, 'url'>,
  { source }: Pick<Config, 'source'>,
): PodContainer {
  const options = {
    source: url,
    into: WORKSPACE,
    archive: `${ARCHIVE_FOLDER}/source`,
    token: `${ACCESS_FOLDER}/source-token`,
    namespace: source.namespace,
  };
  const built = {
    name: SOURCE_CONTAINER,
    image: source.image,
    imagePullPolicy: source.imagePullPolicy,
    args: ['unpack', ...Object.entries(options).map(([name, value]) => `--${name}=${literal(value)}`)],
    resources: { requests: { cpu: '50m', memory: '64Mi' }, limits: { cpu: '1', memory: '256Mi' } },
    volumeMounts: [
      { name: SOURCE_CONTAINER, mountPath: WORKSPACE },
      { name: ARCHIVE, mountPath: ARCHIVE_FOLDER },
      { name: ACCESS, mountPath: ACCESS_FOLDER, readOnly: true },
    ],
    securityContext: { ...RESTRICTED, runAsUser: source.runAsUser, readOnlyRootFilesystem: true },
    // Its last line says why it failed.
    terminationMessagePolicy: 'FallbackToLogsOnError',
  };
  return withoutUndefined(built) as unknown as PodContainer;
}

/** The volumes that {@link unpacking} needs. */
export function sourceVolumes(): Volume[] {
  const { unpackedBytes, archiveBytes } = SOURCE_LIMITS;
  const token = { audience: SOURCE_AUDIENCE, expirationSeconds: TOKEN_SECONDS, path: 'source-token' };
  return [
    // A little more than is unpacked: file systems round up.
    { name: SOURCE_CONTAINER, emptyDir: { sizeLimit: String(2 * unpackedBytes) } },
    { name: ARCHIVE, emptyDir: { sizeLimit: String(2 * archiveBytes) } },
    {
      name: ACCESS,
      projected: {
        sources: [
          { serviceAccountToken: { expirationSeconds: TOKEN_SECONDS, path: 'token' } },
          { serviceAccountToken: token },
          // Kubernetes has it in every namespace.
          { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        ],
      },
    },
  ] as Volume[];
}
