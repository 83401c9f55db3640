/** Where images of Artifact Registry's names are in a cluster. */
export interface ArtifactRegistry {
  region: string;
  /** `HOST[:PORT][/PATH]` that stands for `REGION-docker.pkg.dev`; empty where nothing does. */
  registry: string;
}

/** An image as Artifact Registry names it: `REGION-docker.pkg.dev/PROJECT/REPOSITORY/NAME[:TAG][@DIGEST]`. */
export interface ArtifactImage {
  project: string;
  repository: string;
  /** All that follows the host. */
  path: string;
}

const PART = '[a-z0-9]+(?:[._-]+[a-z0-9]+)*';
const IMAGE = new RegExp(
  `^(${PART})/(${PART}(?:/${PART})+)(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$`,
);

/** What an image of this region's Artifact Registry is named after; undefined for any other image. Pure. */
export function artifactOf(image: string, region: string): ArtifactImage | undefined {
  const host = `${region}-docker.pkg.dev/`;
  if (!image.startsWith(host) || image.length > 512) return undefined;
  const path = image.slice(host.length);
  const [, first = '', rest = ''] = IMAGE.exec(path) ?? [];
  const [second = '', third = '', ...more] = rest.split('/');
  // The ID of a project of a domain has a colon, which the name of an image has not (Artifact Registry, Domain-scoped projects).
  const isDomain = first.includes('.');
  const names = isDomain ? more.length : third ? 1 : 0;
  if (names === 0) return undefined;
  return isDomain
    ? { project: `${first}:${second}`, repository: third, path }
    : { project: first, repository: second, path };
}

/** The image where it is in the cluster: that of this region's Artifact Registry in the registry that stands for it. Pure. */
export function placedImage(image: string, { region, registry }: ArtifactRegistry): string {
  const artifact = registry === '' ? undefined : artifactOf(image, region);
  return artifact ? `${registry}/${artifact.path}` : image;
}
