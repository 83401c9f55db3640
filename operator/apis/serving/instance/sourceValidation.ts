import { RUN } from '../../annotations/run.ts';
import { ADVICE, type FieldError, formatted, keyed } from '../../fieldError.ts';
import { ImageError, parseImage } from '../../image.ts';
import type { TemplateContainer } from '../container/types.ts';
import { isFullImage, SOURCE_IMAGE, textsOf } from './source.ts';

type Annotations = Record<string, string> | undefined;

/**
 * Validates which containers have a source and a base image (Cloud Run, Deploy services from source code: one container is
 * deployed from source). A value that is no JSON of texts is an error of the annotation, reported elsewhere.
 * @param baseImages names that the cluster's owner has given base images; names are not checked where it is left out.
 */
export function validateSources(
  annotations: Annotations,
  containers: readonly Pick<TemplateContainer, 'name' | 'image'>[],
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
  return [...errors, ...ofSource(sources, images, { containers, baseImages, say })];
}

interface Checked {
  containers: readonly Pick<TemplateContainer, 'name' | 'image'>[];
  baseImages: Readonly<Record<string, string>> | undefined;
  say: (key: string, message: string) => FieldError;
}

/** Without a source nothing is started from a base image: the image that was built says what it runs on. */
function ofSource(
  sources: ReadonlyMap<string, string>,
  images: ReadonlyMap<string, string>,
  { containers, baseImages, say }: Checked,
): FieldError[] {
  return containers.flatMap((container) => {
    const name = container.name ?? '';
    const of = (texts: ReadonlyMap<string, string>) =>
      texts.get(name) ?? (containers.length === 1 ? texts.get('') : undefined);
    if (of(sources) === undefined) return [];
    if (container.image !== SOURCE_IMAGE) {
      const message = `has no effect on a container whose image is ${formatted(container.image)}; with the image ${SOURCE_IMAGE} it runs its source`;
      return [{ ...say(RUN.sources, message), ...ADVICE }];
    }
    const image = of(images);
    if (image === undefined)
      return [say(RUN.sources, `needs a base image for the container, in ${RUN.baseImages}`)];
    const why = wrongImage(image, baseImages);
    return why ? [say(RUN.baseImages, `has ${formatted(image)}; ${why}`)] : [];
  });
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

function wrongImage(
  image: string,
  baseImages: Readonly<Record<string, string>> | undefined,
): string | undefined {
  if (!baseImages || Object.hasOwn(baseImages, image)) return undefined;
  if (isFullImage(image)) return invalidImage(image);
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
