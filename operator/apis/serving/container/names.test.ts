import assert from 'node:assert/strict';
import fc from 'fast-check';
import { podContainerName } from './names.ts';
import { CONTAINER_NAME } from './schema.ts';

const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const named = fc.stringMatching(new RegExp(`^${CONTAINER_NAME}$`), { maxLength: 63 });

describe('podContainerName', () => {
  it('leaves a name that Kubernetes takes as it is', () => {
    assert.equal(podContainerName('app-v2'), 'app-v2');
  });

  it('makes of any other name one that Kubernetes takes, and always the same', () => {
    assert.match(podContainerName('app.v2'), /^app-v2-[a-z]{5}$/);
    fc.assert(
      fc.property(named, (name) => {
        assert.match(podContainerName(name), LABEL);
        assert.equal(podContainerName(podContainerName(name)), podContainerName(name));
      }),
    );
  });

  it('keeps two names apart', () => {
    const names = [
      'app.v2',
      'app-v2',
      'app.v.2',
      'app-v.2',
      'app.v-2',
      `${'a'.repeat(61)}.b`,
      `${'a'.repeat(61)}-b`,
    ];
    assert.equal(new Set(names.map(podContainerName)).size, names.length);
    fc.assert(
      fc.property(named, named, (one, other) => {
        assert.equal(podContainerName(one) === podContainerName(other), one === other);
      }),
    );
  });
});
