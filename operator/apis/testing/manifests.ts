import assert from 'node:assert/strict';
import { parse } from 'yaml';
import type { FieldError } from '../fieldError.ts';

/**
 * Manifests with what people really write, one trait each, and what becomes of them: the rules of the law are
 * tried on them alone, those of the CRD on a real API server.
 */
export interface ManifestCase {
  yaml: string;
  /** Accepted as it is, accepted with a warning (rejected in strict mode), or rejected. */
  outcome: 'accepted' | 'warned' | 'rejected';
  /** What the API server says by the CRD alone; missing when it takes the manifest. */
  schema?: RegExp;
  /** What the law says; missing when it finds nothing. */
  rules?: RegExp;
  reason: string;
}

/** What the manifests are tried on: the law of a kind, and its model. */
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
    const judged = rules === undefined ? 'finds nothing wrong with' : 'names what is wrong with';
    it(`${judged} ${name}: ${reason}`, () => {
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
