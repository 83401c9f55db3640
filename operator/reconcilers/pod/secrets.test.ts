import assert from 'node:assert/strict';
import { kubernetesSecret, secretAliases } from './secrets.ts';

const CASES: Record<string, { reason: string; name: string; aliases?: string; want: string }> = {
  plain: { reason: 'a name that Kubernetes takes is kept', name: 'db-password', want: 'db-password' },
  'upper case': {
    reason: 'Secret Manager allows what Kubernetes does not',
    name: 'DATABASE_URL',
    want: 'database-url',
  },
  'at the edges': { reason: 'a name begins and ends with a letter or digit', name: '_key_', want: 'key' },
  alias: {
    reason: 'an alias stands for a secret of another project',
    name: 'theirs',
    aliases: 'ours:projects/1/secrets/a,theirs:projects/2/secrets/API_KEY',
    want: 'api-key',
  },
  'broken alias': {
    reason: 'text that is no alias changes nothing',
    name: 'key',
    aliases: 'key=projects/1/secrets/a',
    want: 'key',
  },
};

describe('kubernetesSecret', () => {
  for (const [name, { reason, name: secret, aliases, want }] of Object.entries(CASES)) {
    it(`${name}: ${reason}`, () => assert.equal(kubernetesSecret(secret, secretAliases(aliases)), want));
  }
});
