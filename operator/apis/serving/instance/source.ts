import { RUN } from '../../annotations/run.ts';
import type { TemplateContainer } from '../container/types.ts';
import { BASE_IMAGE_RUNTIME } from './platform.ts';

type Annotations = Readonly<Record<string, string>> | undefined;

/** A container that runs a source on a base image (Cloud Run, Deploy services from source code: without building). */
export interface ContainerSource {
  /** As it is named in the template; undefined for an only container without a name. */
  container: string | undefined;
  /** `gs://BUCKET/OBJECT#GENERATION`. */
  url: string;
  /** As annotation base-images names it; admission asks for one. */
  baseImage?: string;
}

/** The image of a container that is deployed from source: nothing, as its base image is what it starts from. */
export const SOURCE_IMAGE = 'scratch';

/**
 * The source of an instance; undefined where it has none. gcloud calls an only container without a name by ''. Admission
 * allows one source, for a container that is there. One with another image runs that: `gcloud run deploy --image`
 * leaves the annotation as it was. Pure.
 */
export function sourceOf(
  annotations: Annotations,
  containers: readonly Pick<TemplateContainer, 'name' | 'image'>[],
): ContainerSource | undefined {
  const sources = textsOf(annotations?.[RUN.sources]);
  const images = textsOf(annotations?.[RUN.baseImages]);
  const sole = containers.length === 1;
  for (const { name, image } of containers) {
    const of = (texts: ReadonlyMap<string, string>) =>
      texts.get(name ?? '') ?? (sole ? texts.get('') : undefined);
    const url = of(sources);
    if (!url || image !== SOURCE_IMAGE) continue;
    const baseImage = of(images);
    return { container: name, url, ...(baseImage ? { baseImage } : {}) };
  }
  return undefined;
}

/** A container that follows its base image: instances are moved to what the base image's tag names by now. */
export interface FollowedBaseImage {
  container: string;
  /** As annotation base-images names it. */
  baseImage: string;
}

/**
 * The base image that the instances of a revision follow; undefined for those that keep the digest they started with. The
 * runtime class asks for it, which gcloud sets with every base image (Cloud Run, Configure automatic base image updates).
 * An image that was built has its base image inside, and stays as it is. Pure.
 */
export function followedBaseImage(
  annotations: Annotations,
  { containers, runtimeClassName }: FollowingSpec,
): FollowedBaseImage | undefined {
  if (runtimeClassName !== BASE_IMAGE_RUNTIME) return undefined;
  const source = sourceOf(annotations, containers);
  if (source?.baseImage === undefined) return undefined;
  return { container: source.container ?? '', baseImage: source.baseImage };
}

/** What of the spec of a revision, or of its template, says what its instances follow. */
export interface FollowingSpec {
  containers: readonly Pick<TemplateContainer, 'name' | 'image'>[];
  runtimeClassName?: string;
}

/** The texts of a JSON object; none for anything else. */
export function textsOf(json: string | undefined): Map<string, string> {
  try {
    const entries = Object.entries(JSON.parse(json || '{}') as object);
    return new Map(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
  } catch {
    return new Map();
  }
}

/** Whether a base image is an image in full, with a registry, path, tag or digest; one word is the owner's name for one. */
export function isFullImage(baseImage: string): boolean {
  return /[/:@]/.test(baseImage);
}

/** The image that a base image stands for: what the cluster's owner says of its name, or the reference that it is. */
export function baseImageOf(name: string, baseImages: Readonly<Record<string, string>>): string {
  return (Object.hasOwn(baseImages, name) ? baseImages[name] : undefined) ?? name;
}
