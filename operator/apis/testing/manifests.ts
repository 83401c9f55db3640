import assert from 'node:assert/strict';
import { parse } from 'yaml';
import type { FieldError } from '../fieldError.ts';

/**
 * Manifests with what people really write, one trait each, and what becomes of them: the rules of the law are
 * tried on them alone, those of the CRD on a real API server.
 */
export interface ManifestCase {
  yaml: string;
  /** Accepted as it is, accepted with a warning (refused in strict mode), or refused. */
  verdict: 'accepted' | 'warned' | 'refused';
  /** What the API server says by the CRD alone; missing when it takes the manifest. */
  schema?: RegExp;
  /** What the law says; missing when it finds nothing. */
  law?: RegExp;
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
  for (const [name, { yaml, verdict, law, schema, reason }] of Object.entries(cases)) {
    const judged = law === undefined ? 'finds nothing wrong with' : 'names what is wrong with';
    it(`${judged} ${name}: ${reason}`, () => {
      const errors = validate(parse(yaml) as T);
      const said = errors.map(({ path, message }) => `${path}: ${message}`).join('\n');
      if (law) assert.match(said, law);
      else assert.equal(said, '');
      const refused = schema !== undefined || errors.some(({ strict }) => !strict);
      assert.equal(refused ? 'refused' : errors.length > 0 ? 'warned' : 'accepted', verdict, said);
    });

    if (verdict === 'refused') continue;
    it(`finds ${name} valid by its schema`, () => {
      new Model(parse(yaml) as never).validate();
    });

    it(`fills in the defaults of ${name} once`, () => {
      const once = fill(parse(yaml) as T);
      assert.deepEqual(fill(once), once);
    });
  }
}
