import { formatted } from '../../apis/fieldError.ts';
import { invalidFields } from '../errors.ts';

/** A name of a resource of the API, taken apart. */
export interface Name {
  project: string;
  location: string;
  /** Collections below the location, each with the id in it, outermost first. */
  parts: readonly (readonly [collection: string, id: string])[];
}

/** Characters that a part of a name may have: those of names of objects, and of the ids of operations. */
const PART = /^[A-Za-z0-9._-]{1,600}$/;

/**
 * Takes a name apart.
 * @param field of the request, for the error.
 * @param forms collections that may stand below the location, each as `services/revisions`; empty for the location.
 * @throws {ApiError} INVALID_ARGUMENT
 */
export function parseName(text: unknown, field: string, ...forms: string[]): Name {
  const [projects, project = '', locations, location = '', ...rest] = String(text ?? '').split('/');
  const parts = rest.flatMap((collection, i) =>
    i % 2 === 0 ? [[collection, rest[i + 1] ?? ''] as const] : [],
  );
  const form = parts.map(([collection]) => collection).join('/');
  const isWhole = projects === 'projects' && locations === 'locations' && rest.length % 2 === 0;
  const isClean = [project, location, ...parts.map(([, id]) => id)].every((part) => PART.test(part));
  if (isWhole && isClean && forms.includes(form)) return { project, location, parts };
  const allowed = forms.map((each) => `projects/PROJECT/locations/LOCATION${pattern(each)}`).join(' or ');
  throw invalidFields([{ field, description: `is ${formatted(text)}; it must be ${allowed}` }]);
}

function pattern(form: string): string {
  return form
    .split('/')
    .filter((collection) => collection !== '')
    .map((collection) => `/${collection}/${collection.slice(0, -1).toUpperCase()}`)
    .join('');
}

/** The id in the innermost collection. */
export function lastId({ parts }: Name): string {
  return parts.at(-1)?.[1] ?? '';
}
