import assert from 'node:assert/strict';
import { parse } from 'yaml';
import { defaultService } from './defaults.ts';
import { MANIFESTS } from './manifests.cases.ts';
import type { Service } from './types.ts';
import { validateService } from './validation.ts';

describe('manifests as people write them', () => {
  for (const [name, { yaml, verdict, law, schema, reason }] of Object.entries(MANIFESTS)) {
    const judged = law === undefined ? 'finds nothing wrong with' : 'names what is wrong with';
    it(`${judged} ${name}: ${reason}`, () => {
      const faults = validateService(parse(yaml) as Service);
      const said = faults.map(({ path, message }) => `${path}: ${message}`).join('\n');
      if (law) assert.match(said, law);
      else assert.equal(said, '');
      const refused = schema !== undefined || faults.some(({ strict }) => !strict);
      assert.equal(refused ? 'refused' : faults.length > 0 ? 'warned' : 'accepted', verdict, said);
    });

    if (verdict !== 'refused') {
      it(`fills in the defaults of ${name} once`, () => {
        const once = defaultService(parse(yaml) as Service);
        assert.deepEqual(defaultService(once), once);
      });
    }
  }
});
