import assert from 'node:assert/strict';
import { parse } from 'yaml';
import { Service as ServiceModel } from '../../models/serving.knative.dev/v1/Service.ts';
import { defaultService } from './defaults.ts';
import { MANIFESTS } from './manifestCases.ts';
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
      it(`finds the shape of ${name} right, as the generated model knows it`, () => {
        new ServiceModel(parse(yaml)).validate();
      });

      it(`fills in the defaults of ${name} once`, () => {
        const once = defaultService(parse(yaml) as Service);
        assert.deepEqual(defaultService(once), once);
      });
    }
  }

  it('finds a wrong shape, as the generated model knows it', () => {
    const wrong = parse(
      '{metadata: {name: a}, spec: {template: {spec: {containers: [{image: a, ports: [{containerPort: 70000}]}]}}}}',
    );
    assert.throws(() => new ServiceModel(wrong).validate(), /containerPort must be <= 65535/);
  });
});
