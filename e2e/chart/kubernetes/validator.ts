import { readFileSync } from 'node:fs';
import { Errors } from 'typebox/schema';
import type { Rendered } from '../helm.ts';
import { type Collection, type Definitions, definitionOf, ofVersion } from './schema.ts';

const COLLECTION: Collection = JSON.parse(
  readFileSync(new URL('./definitions.json', import.meta.url), 'utf8'),
);

/** The versions of Kubernetes that objects can be held against, oldest first. */
export const VERSIONS = Object.keys(COLLECTION.releases);

/** As an API server reads an object: a field without a value is none. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  const present = Object.entries(value).filter(([, field]) => field !== null && field !== undefined);
  return Object.fromEntries(present.map(([name, field]) => [name, withoutNulls(field)]));
}

/**
 * Holds objects against the definitions of one version of Kubernetes: types, required fields, and fields that this
 * version does not know.
 */
export class Validator {
  readonly #definitions: Definitions;

  /** @param version one of {@link VERSIONS}. */
  constructor(version: string) {
    this.#definitions = ofVersion(COLLECTION, version);
  }

  /** Whether Kubernetes itself has this kind, and definitions.json too. */
  knows({ apiVersion = '', kind = '' }: Partial<Rendered>): boolean {
    return definitionOf(this.#definitions, apiVersion, kind) !== undefined;
  }

  /** What is wrong with an object of a kind that it knows, a line each: `Service homerun-api /spec/ports: ...`. */
  errorsOf(object: Rendered): string[] {
    const { apiVersion = '', kind = '', metadata } = object;
    const name = definitionOf(this.#definitions, apiVersion, kind);
    const schema = { $ref: `#/definitions/${name}`, definitions: this.#definitions };
    const [, errors] = Errors(schema as never, withoutNulls(object));
    return errors.map(
      ({ instancePath, message, params }) =>
        `${kind} ${metadata.name} ${instancePath}: ${message} ${JSON.stringify(params)}`,
    );
  }
}
