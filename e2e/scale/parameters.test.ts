import assert from 'node:assert/strict';
import { FULL, parametersOf } from './parameters.ts';

const REFUSED = {
  'no number': { env: { SERVICES: 'many' }, says: /SERVICES is "many"; it must be a whole number from 1/ },
  'a fraction': { env: { PODS: '1.5' }, says: /PODS is "1\.5"/ },
  nothing: { env: { SAMPLES: '0' }, says: /SAMPLES is "0"/ },
  'more running services than there are': {
    env: { SERVICES: '10', RUNNING: '11' },
    says: /RUNNING is 11; it must be at most SERVICES, 10/,
  },
  'no namespace with room': {
    env: { NAMESPACES: '5', EXHAUSTED: '5' },
    says: /EXHAUSTED is 5; it must be at most NAMESPACES less one, 4/,
  },
};

describe('parameters of make scale', () => {
  it('are those of the bars where nothing else is said', () => {
    assert.deepEqual(parametersOf({ SERVICES: '', HOME: '/' }), FULL);
  });

  it('are taken from the environment', () => {
    assert.deepEqual(parametersOf({ SERVICES: '100', REST_SECONDS: '30' }), {
      ...FULL,
      services: 100,
      restSeconds: 30,
    });
  });

  for (const [name, { env, says }] of Object.entries(REFUSED)) {
    it(`are refused with ${name}`, () => {
      assert.throws(() => parametersOf(env), { code: 'SCALE_PARAMETER', message: says });
    });
  }
});
