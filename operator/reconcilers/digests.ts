import { type IdentityConfig, kubernetesServiceAccount } from '../apis/identity.ts';
import type { Config } from '../config.ts';
import { placedImage } from '../registry/artifactRegistry.ts';
import type { DigestRequest, DigestResolver, DigestState } from '../registry/resolver.ts';
import type { InstanceSpec } from './pod/pod.ts';

export interface DigestOwner {
  namespace: string;
  name: string;
  spec: Pick<InstanceSpec, 'containers' | 'serviceAccountName' | 'imagePullSecrets'>;
  /** Container name -> image whose digest is known from before. */
  known: ReadonlyMap<string, string | undefined>;
  /** Whether the registry is asked for the others. */
  asks: boolean;
}

/** What decides where an image is, and who asks for it. */
export type ImageConfig = IdentityConfig & {
  build: Pick<Config['build'], 'registry'>;
  metadata: Pick<Config['metadata'], 'region'>;
};

/**
 * What is known of the digests of an object's images, where they are in the cluster: what a build has pushed is deployed by
 * its name in Artifact Registry. One that is known from before is final: the tag may move and the
 * registry go away.
 */
export function digestsOf(
  { namespace, name, spec, known, asks }: DigestOwner,
  resolver: DigestResolver,
  config: ImageConfig,
): Map<string, DigestState> {
  const states = spec.containers.map((container): [string, DigestState] => {
    const image = known.get(container.name);
    if (image) return [container.name, { state: 'resolved', image }];
    if (!asks) return [container.name, { state: 'pending' }];
    return [
      container.name,
      resolver.lookup(digestRequest({ namespace, name, spec }, container.image, config)),
    ];
  });
  if (!asks || states.every(([container]) => known.has(container))) resolver.forget(`${namespace}/${name}`);
  return new Map(states);
}

/** What a registry is asked about an image of an object: where it is in the cluster, and with which credentials. */
export function digestRequest(
  { namespace, name, spec }: Pick<DigestOwner, 'namespace' | 'name' | 'spec'>,
  image: string,
  config: ImageConfig,
): DigestRequest {
  return {
    revision: `${namespace}/${name}`,
    image: placedImage(image, { region: config.metadata.region, registry: config.build.registry }),
    namespace,
    serviceAccount: kubernetesServiceAccount(spec.serviceAccountName, config) ?? 'default',
    pullSecrets: (spec.imagePullSecrets ?? []).flatMap((secret) => secret.name ?? []),
  };
}

/** Container name -> image to start: with its digest once that is known. */
export function pinnedImages(
  { containers }: Pick<InstanceSpec, 'containers'>,
  digests: ReadonlyMap<string, DigestState>,
): Map<string, string> {
  return new Map(
    containers.map(({ name, image }) => {
      const known = digests.get(name);
      return [name, known?.state === 'resolved' ? known.image : image];
    }),
  );
}
