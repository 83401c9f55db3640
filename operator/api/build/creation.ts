import { formatted } from '../../apis/fieldError.ts';
import { invalidFields } from '../errors.ts';
import { type BuildPlace, type BuildRequest, readSubmission } from './request.ts';

type Json = Readonly<Record<string, unknown>>;

/** What the steps of a build may be, for the error. */
const ALLOWED =
  'must be the one step of `gcloud builds submit --tag` (gcr.io/cloud-builders/docker) or `--pack` (gcr.io/k8s-skaffold/pack)';

/**
 * Reads a build as Cloud Build's own API has it (API v1, Build), as far as it is what gcloud makes of a Dockerfile or a source
 * for buildpacks. Other steps are images that anybody may have made: they are not run.
 * @throws {ApiError} INVALID_ARGUMENT that names the fields.
 */
export function readCreation(body: unknown, place: BuildPlace): BuildRequest {
  const { steps, images, source, tags } = (body ?? {}) as Json;
  const [step, ...others] = (Array.isArray(steps) ? steps : []) as Json[];
  const kind = step && others.length === 0 ? kindOf(step) : undefined;
  if (!kind) throw invalidFields([{ field: 'steps', description: ALLOWED }]);
  const [image, ...more] = Array.isArray(images) ? images : [kind.image];
  if (more.length > 0 || image !== kind.image) {
    const description = `is ${formatted(images)}; it must be the image of the step`;
    throw invalidFields([{ field: 'images', description }]);
  }
  const { storageSource } = (source ?? {}) as Json;
  return readSubmission({ storageSource, imageUri: image, ...kind.build, tags: tags ?? [] }, place);
}

interface Kind {
  image: string;
  build: object;
}

function kindOf({ name, args }: Json): Kind | undefined {
  const words = Array.isArray(args) ? args.map(String) : [];
  if (name === 'gcr.io/cloud-builders/docker' && words[0] === 'build' && words.at(-1) === '.') {
    const image = words[words.indexOf('-t') + 1];
    return image && words.includes('-t') ? { image, build: { dockerBuild: {} } } : undefined;
  }
  if (name !== 'gcr.io/k8s-skaffold/pack' || words[0] !== 'build' || !words[1]) return undefined;
  return { image: words[1], build: { buildpackBuild: { environmentVariables: variablesOf(words) } } };
}

/** `--env NAME=VALUE`. */
function variablesOf(words: readonly string[]): Record<string, string> {
  const pairs = words.flatMap((word, i) => (words[i - 1] === '--env' ? [word] : []));
  return Object.fromEntries(
    pairs.map((pair) => {
      const [, name = pair, value = ''] = /^([^=]*)=(.*)$/s.exec(pair) ?? [];
      return [name, value];
    }),
  );
}
