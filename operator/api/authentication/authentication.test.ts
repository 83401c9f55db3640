import { deepEqual, equal, rejects } from 'node:assert/strict';
import { ApiError } from '../errors.ts';
import { Authentication } from './authentication.ts';

const PERSON = { name: 'ada@example.com', groups: ['system:authenticated'] };
const is = (code: string) => (error: unknown) => error instanceof ApiError && error.code === code;

describe('authentication', () => {
  let asked: string[];
  let now: number;
  let authentication: Authentication;
  beforeEach(() => {
    asked = [];
    now = 0;
    const known = async (token: string) => {
      asked.push(token);
      if (token === 'away') throw new ApiError('UNAVAILABLE', 'away');
      return token === 'known' ? { person: PERSON, expiresAt: 15_000 } : undefined;
    };
    authentication = new Authentication([async () => undefined, known], () => now);
  });

  it('asks once for many requests, and again after seconds, so that a revoked token is refused', async () => {
    const people = await Promise.all(
      ['Bearer known', 'bearer  known'].map((h) => authentication.personOf(h)),
    );
    deepEqual(people, [PERSON, PERSON]);
    now = 9_999;
    await authentication.personOf('Bearer known');
    equal(asked.length, 1);
    now = 10_001;
    await authentication.personOf('Bearer known');
    equal(asked.length, 2);
  });

  it('remembers no failure to ask', async () => {
    await rejects(authentication.personOf('Bearer away'), is('UNAVAILABLE'));
    await rejects(authentication.personOf('Bearer away'), is('UNAVAILABLE'));
    equal(asked.length, 2);
  });

  const refused: Record<string, string | undefined> = {
    'no header': undefined,
    'an empty header': '',
    'another scheme': 'Basic a2E=',
    'no token': 'Bearer ',
    'two tokens': 'Bearer known known',
    'a token with a comma': 'Bearer known,other',
    'an unknown token': 'Bearer other',
    'a token of 100 kB': `Bearer ${'a'.repeat(100_000)}`,
  };
  for (const [name, header] of Object.entries(refused)) {
    it(`refuses ${name}`, async () => {
      await rejects(authentication.personOf(header), is('UNAUTHENTICATED'));
      equal(asked.length, header === 'Bearer other' ? 1 : 0);
    });
  }
});
