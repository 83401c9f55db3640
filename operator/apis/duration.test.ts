import assert from 'node:assert/strict';
import { parseDuration } from './duration.ts';

describe('parseDuration', () => {
  const cases: Record<string, { text: string; ms: number | undefined; reason: string }> = {
    seconds: { text: '20s', ms: 20_000, reason: 'the common form' },
    'minutes and seconds': { text: '1m30s', ms: 90_000, reason: 'terms add up' },
    fraction: { text: '1.5h', ms: 5_400_000, reason: 'Go allows a fraction in each term' },
    'leading point': { text: '.5s', ms: 500, reason: 'Go allows it' },
    'milliseconds before minutes': { text: '300ms', ms: 300, reason: 'ms is not m and then s' },
    zero: { text: '0', ms: 0, reason: 'the only number that Go takes without a unit' },
    empty: { text: '', ms: undefined, reason: 'no term at all' },
    'bare number': { text: '20', ms: undefined, reason: 'a unit is missing' },
    negative: { text: '-5s', ms: undefined, reason: 'no setting goes back in time' },
    trailing: { text: '5s!', ms: undefined, reason: 'nothing may follow' },
  };
  for (const [name, { text, ms, reason }] of Object.entries(cases)) {
    it(name, () => assert.equal(parseDuration(text), ms, reason));
  }
});
