import { deepEqual } from 'node:assert/strict';
import fc from 'fast-check';
import { type Challenge, parseChallenges } from './challenge.ts';

describe('parseChallenges', () => {
  const cases: Record<string, { reason: string; header: string; want: Challenge[] }> = {
    bearer: {
      reason: 'the usual answer of a registry',
      header:
        'Bearer realm="https://auth.example/token",service="r.example",scope="repository:a/b:pull,push"',
      want: [
        {
          scheme: 'bearer',
          params: {
            realm: 'https://auth.example/token',
            service: 'r.example',
            scope: 'repository:a/b:pull,push',
          },
        },
      ],
    },
    basic: {
      reason: 'a registry behind a plain web server',
      header: 'Basic realm=registry',
      want: [{ scheme: 'basic', params: { realm: 'registry' } }],
    },
    several: {
      reason: 'one header may hold several challenges',
      header: 'Basic realm="a", Bearer realm="b" , Negotiate',
      want: [
        { scheme: 'basic', params: { realm: 'a' } },
        { scheme: 'bearer', params: { realm: 'b' } },
        { scheme: 'negotiate', params: {} },
      ],
    },
    escapes: {
      reason: 'a quoted value may hold a quotation mark',
      header: 'Basic Realm = "say \\"please\\""',
      want: [{ scheme: 'basic', params: { realm: 'say "please"' } }],
    },
    empty: { reason: 'a 401 without a challenge', header: '', want: [] },
    broken: {
      reason: 'an open quotation mark ends the list',
      header: 'Bearer realm="https://auth',
      want: [{ scheme: 'bearer', params: { realm: '' } }],
    },
  };
  for (const [name, { reason, header, want }] of Object.entries(cases)) {
    it(name, () => deepEqual(parseChallenges(header), want, reason));
  }

  it('ends on any text', () => {
    fc.assert(fc.property(fc.string(), (header) => Array.isArray(parseChallenges(header))));
  });
});
