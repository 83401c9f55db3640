import { deepEqual } from 'node:assert/strict';
import { podVolume } from './volumes.ts';

describe('the volume of a secret', () => {
  it('has each version that is asked for as a file of its own (google-github-actions/deploy-cloudrun#267)', () => {
    const items = [
      { key: '1', path: '1.txt' },
      { key: '2', path: '2.txt' },
    ];
    const { secret } = podVolume({ name: 'v', secret: { secretName: 's', items } }, new Map());
    deepEqual(secret?.items, items);
  });

  it('is that of the secret behind an alias, readable by everybody', () => {
    const { secret } = podVolume({ name: 'v', secret: { secretName: 'key' } }, new Map([['key', 'API_KEY']]));
    deepEqual([secret?.secretName, secret?.defaultMode, secret?.items], ['api-key', 0o444, undefined]);
  });
});
