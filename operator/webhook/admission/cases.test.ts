import assert from 'node:assert/strict';
import {
  type AdmissionCase,
  type AdmissionCases,
  messagesOf,
  type Outcome,
  objectIn,
} from '../testing/cases/case.ts';
import { CONTAINERS } from '../testing/cases/containers.ts';
import { DECISIONS } from '../testing/cases/decisions.ts';
import { KEPT } from '../testing/cases/kept.ts';
import { MESSAGES } from '../testing/cases/messages.ts';
import { PLATFORM } from '../testing/cases/platform.ts';
import { TASKS } from '../testing/cases/tasks.ts';
import { LENIENT, STRICT } from '../testing/requests.ts';

const TABLES: Readonly<Record<string, AdmissionCases>> = {
  'containers and volumes': CONTAINERS,
  'jobs and worker pools': TASKS,
  'features of the platform': PLATFORM,
  'features on which sources disagree': DECISIONS,
  'rules that have always been right': KEPT,
  'readable messages': MESSAGES,
};

/** The verb of a test's title. */
const VERBS: Readonly<Record<Outcome, string>> = {
  accepted: 'accepts',
  warned: 'warns in both modes about',
  strict: 'warns about, and in strict mode rejects,',
  rejected: 'rejects',
};

function outcomeOf(row: AdmissionCase): { outcome: Outcome; text: string } {
  const object = objectIn(row);
  const [lenient, strict] = [messagesOf(object, LENIENT), messagesOf(object, STRICT)];
  const text = [...lenient.messages, ...strict.messages].join('\n');
  if (!lenient.allowed) return { outcome: 'rejected', text };
  if (!strict.allowed) return { outcome: 'strict', text: lenient.messages.length > 0 ? text : `${text}\n` };
  return { outcome: text === '' ? 'accepted' : 'warned', text };
}

describe('admission, case by case', () => {
  for (const [table, rows] of Object.entries(TABLES)) {
    describe(table, () => {
      for (const [name, row] of Object.entries(rows)) {
        it(`${VERBS[row.outcome]} ${name}: ${row.reason} (${row.source})`, () => {
          const { outcome, text } = outcomeOf(row);
          assert.equal(outcome, row.outcome, text);
          if (row.outcome === 'strict') {
            assert.ok(messagesOf(objectIn(row), LENIENT).messages.length > 0, 'lenient mode warns');
          }
          if (row.message) assert.match(text, row.message);
          else assert.equal(row.outcome, 'accepted', 'every message is asserted');
        });
      }
    });
  }
});
