import assert from 'node:assert/strict';
import { validateKeys, validateLabels } from './labelRules.ts';

const CASES: Record<string, { reason: string; labels: Record<string, string>; error?: RegExp }> = {
  plain: { reason: 'the form of every day', labels: { app: 'shop', 'a.b_c-d': 'A.b_c-1' } },
  'with a domain': { reason: 'as Google writes them', labels: { 'client.knative.dev/nonce': 'abc' } },
  empty: { reason: 'a label may say nothing', labels: { app: '' } },
  'a time': {
    reason: 'Kubernetes takes no colons',
    labels: { when: '2026-01-01T00:00:00Z' },
    error:
      /^labels\[when\]: is "2026-01-01T00:00:00Z"; a label value must be empty or have at most 63 letters/,
  },
  'a long value': { reason: 'there are 63', labels: { a: 'x'.repeat(64) }, error: /^labels\[a\]: is "xxx/ },
  'a dash at the end': { reason: 'a letter or digit is there', labels: { a: 'b-' }, error: /is "b-"/ },
  'a space in a key': {
    reason: 'no key has one',
    labels: { 'my app': 'a' },
    error: /^labels\[my app\]: is not a valid key/,
  },
  'an empty key': { reason: 'it names nothing', labels: { '': 'a' }, error: /is not a valid key/ },
  'two slashes': {
    reason: 'one parts domain and name',
    labels: { 'a/b/c': 'a' },
    error: /is not a valid key/,
  },
  'a domain in capitals': {
    reason: 'DNS has none',
    labels: { 'Example.com/a': 'a' },
    error: /is not a valid key/,
  },
};

describe('labels', () => {
  for (const [name, { reason, labels, error }] of Object.entries(CASES)) {
    it(`${error ? 'rejects' : 'accepts'} ${name}: ${reason}`, () => {
      const errors = validateLabels(labels, 'labels').map(({ path, message }) => `${path}: ${message}`);
      assert.equal(errors.length, error ? 1 : 0, errors.join('\n'));
      if (error) assert.match(errors[0] ?? '', error);
    });
  }

  it('of annotations only the keys have a form', () => {
    assert.deepEqual(validateKeys({ a: 'any text: at all' }, 'annotations'), []);
    assert.equal(validateKeys({ 'a b': '' }, 'annotations')[0]?.path, 'annotations[a b]');
  });
});
