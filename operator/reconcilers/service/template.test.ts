import assert from 'node:assert/strict';
import { withoutEmpty } from './template.ts';

describe('a template without what is empty', () => {
  const CASES: Record<string, { reason: string; from: object; to: object }> = {
    'labels and annotations': {
      reason: 'the last of them may have been removed',
      from: { metadata: { labels: {}, annotations: {} }, spec: {} },
      to: { spec: {} },
    },
    'lists in a container': {
      reason: 'gcloud sends such',
      from: { spec: { containers: [{ image: 'a', env: [], args: [], resources: { limits: {} } }] } },
      to: { spec: { containers: [{ image: 'a' }] } },
    },
    'what says something': {
      reason: 'an empty map of these chooses a kind',
      from: {
        spec: { volumes: [{ name: 'a', emptyDir: {} }], containers: [{ startupProbe: { tcpSocket: {} } }] },
      },
      to: {
        spec: { volumes: [{ name: 'a', emptyDir: {} }], containers: [{ startupProbe: { tcpSocket: {} } }] },
      },
    },
    'empty texts and null': {
      reason: 'they are values',
      from: { metadata: { labels: { a: '' }, creationTimestamp: null } },
      to: { metadata: { labels: { a: '' }, creationTimestamp: null } },
    },
  };
  for (const [name, { reason, from, to }] of Object.entries(CASES)) {
    it(`${name}: ${reason}`, () => assert.deepEqual(withoutEmpty(from), to));
  }
});
