import assert from 'node:assert/strict';
import { parse } from 'yaml';
import type { FieldError } from '../fieldError.ts';

/**
 * Realistic manifests with one trait each and their expected outcome. They are tested against the validation rules
 * alone, and against the CRD on a real API server.
 */
export interface ManifestCase {
  yaml: string;
  /** Accepted as it is, accepted with a warning (rejected in strict mode), or rejected. */
  outcome: 'accepted' | 'warned' | 'rejected';
  /** The error of the API server by the CRD alone; unset when it accepts the manifest. */
  schema?: RegExp;
  /** The errors of the validation rules; unset when there are none. */
  rules?: RegExp;
  reason: string;
}

/** What the manifests are tested against: the rules of a kind, and its model. */
interface Kind<T> {
  validate: (object: T) => FieldError[];
  fill: (object: T) => T;
  Model: new (data: never) => { validate(): void };
}

/** Declares the tests of each case that need no API server. */
export function testManifests<T>(
  cases: Readonly<Record<string, ManifestCase>>,
  { validate, fill, Model }: Kind<T>,
): void {
  for (const [name, { yaml, outcome, rules, schema, reason }] of Object.entries(cases)) {
    const verb = rules === undefined ? 'finds no error in' : 'reports the errors of';
    it(`${verb} ${name}: ${reason}`, () => {
      const errors = validate(parse(yaml) as T);
      const said = errors.map(({ path, message }) => `${path}: ${message}`).join('\n');
      if (rules) assert.match(said, rules);
      else assert.equal(said, '');
      const rejected = schema !== undefined || errors.some(({ strict }) => !strict);
      assert.equal(rejected ? 'rejected' : errors.length > 0 ? 'warned' : 'accepted', outcome, said);
    });

    if (outcome === 'rejected') continue;
    it(`finds ${name} valid by its schema`, () => {
      new Model(parse(yaml) as never).validate();
    });

    it(`fills in the defaults of ${name} once`, () => {
      const once = fill(parse(yaml) as T);
      assert.deepEqual(fill(once), once);
    });
  }
}
