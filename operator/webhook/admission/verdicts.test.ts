import assert from 'node:assert/strict';
import { LENIENT, STRICT } from '../testing/requests.ts';
import { CONTAINERS } from '../testing/verdicts/containers.ts';
import { DECISIONS } from '../testing/verdicts/decisions.ts';
import { KEPT } from '../testing/verdicts/kept.ts';
import { MESSAGES } from '../testing/verdicts/messages.ts';
import { PLATFORM } from '../testing/verdicts/platform.ts';
import { objectIn, type Rows, toldOf, type Verdict, type VerdictRow } from '../testing/verdicts/row.ts';
import { TASKS } from '../testing/verdicts/tasks.ts';

const TABLES: Readonly<Record<string, Rows>> = {
  'containers and volumes': CONTAINERS,
  'jobs and worker pools': TASKS,
  'what only the platform has': PLATFORM,
  'what sources differ on': DECISIONS,
  'what was right all along': KEPT,
  'words that a person understands': MESSAGES,
};

/** In words, for the names of tests. */
const VERBS: Readonly<Record<Verdict, string>> = {
  accepted: 'accepts',
  told: 'warns in both modes of',
  strict: 'warns of, and in strict mode refuses,',
  refused: 'refuses',
};

function verdictOf(row: VerdictRow): { verdict: Verdict; told: string } {
  const object = objectIn(row);
  const [lenient, strict] = [toldOf(object, LENIENT), toldOf(object, STRICT)];
  const told = [...lenient.told, ...strict.told].join('\n');
  if (!lenient.allowed) return { verdict: 'refused', told };
  if (!strict.allowed) return { verdict: 'strict', told: lenient.told.length > 0 ? told : `${told}\n` };
  return { verdict: told === '' ? 'accepted' : 'told', told };
}

describe('the law, row by row', () => {
  for (const [table, rows] of Object.entries(TABLES)) {
    describe(table, () => {
      for (const [name, row] of Object.entries(rows)) {
        it(`${VERBS[row.verdict]} ${name}: ${row.reason} (${row.source})`, () => {
          const { verdict, told } = verdictOf(row);
          assert.equal(verdict, row.verdict, told);
          if (row.verdict === 'strict') {
            assert.ok(toldOf(objectIn(row), LENIENT).told.length > 0, 'it is told where it is not refused');
          }
          if (row.says) assert.match(told, row.says);
          else assert.equal(row.verdict, 'accepted', 'whatever is told is looked at');
        });
      }
    });
  }
});
