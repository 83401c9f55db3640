import { RUN } from '../../annotations/run.ts';
import { type FieldError, formatted, keyed } from '../../fieldError.ts';
import { ImageError, parseImage } from '../../image.ts';
import type { TemplateContainer } from '../container/types.ts';
import { textsOf } from './source.ts';

type Annotations = Record<string, string> | undefined;

/**
 * Validates which containers have a source and a base image (Cloud Run, Deploy services from source code: one container is
 * deployed from source). A value that is no JSON of texts is an error of the annotation, reported elsewhere.
 * @param baseImages names that the cluster's owner has given base images; names are not checked where it is left out.
 */
export function validateSources(
  annotations: Annotations,
  containers: readonly Pick<TemplateContainer, 'name'>[],
  baseImages: Readonly<Record<string, string>> | undefined,
  path: string,
): FieldError[] {
  const sources = textsOf(annotations?.[RUN.sources]);
  const images = textsOf(annotations?.[RUN.baseImages]);
  const say = (key: string, message: string): FieldError => ({
    path: keyed(path, key),
    value: annotations?.[key],
    message,
  });
  const errors = [
    ...unknownNames(sources, containers).map((message) => say(RUN.sources, message)),
    ...unknownNames(images, containers).map((message) => say(RUN.baseImages, message)),
  ];
  if (sources.size > 1) {
    errors.push(
      say(RUN.sources, `has sources of ${sources.size} containers; one container may have a source`),
    );
  }
  // Without a source nothing is started from it: the image that was built says what it runs on.
  if (sources.size === 0) return errors;
  for (const [container, image] of images) {
    const why = wrongImage(image, baseImages);
    if (why && sources.has(container)) errors.push(say(RUN.baseImages, `has ${formatted(image)}; ${why}`));
  }
  return errors;
}

function unknownNames(
  texts: ReadonlyMap<string, string>,
  containers: readonly Pick<TemplateContainer, 'name'>[],
): string[] {
  const names = new Set(containers.map(({ name }) => name ?? ''));
  return [...texts.keys()]
    .filter((name) => !names.has(name) && !(name === '' && containers.length === 1))
    .map((name) => `names ${formatted(name)}; there is no such container`);
}

/** A name of one word is what the cluster's owner calls an image; anything with a registry, path, tag or digest is one. */
function wrongImage(
  image: string,
  baseImages: Readonly<Record<string, string>> | undefined,
): string | undefined {
  if (!baseImages || Object.hasOwn(baseImages, image)) return undefined;
  if (/[/:@]/.test(image)) return invalidImage(image);
  const known = Object.keys(baseImages);
  const choice = known.length > 0 ? `one of ${known.join(', ')} or an image` : 'an image';
  return `it must be ${choice} such as docker.io/library/node:24 (chart value instance.baseImages)`;
}

function invalidImage(image: string): string | undefined {
  try {
    parseImage(image);
    return undefined;
  } catch (error) {
    if (error instanceof ImageError) return error.message;
    throw error;
  }
}
