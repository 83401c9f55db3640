import assert from 'node:assert/strict';
import { processorMs, slowness } from '../../testing/slowness.ts';
import { COSTLY } from '../testing/costly.ts';
import { HOSTILE } from '../testing/hostile.ts';
import { LENIENT, STRICT } from '../testing/requests.ts';
import { askedText, WIDE, wideEntries } from '../testing/wide.ts';
import { admitDefault, admitValidate } from './admit.ts';
import { MOST_KEYS } from './excess.ts';
import { narrowed } from './narrow.ts';
import { lookUpReferenced } from './referencedObjects.ts';
import { type AdmissionRequest, type AdmissionResponse, ReviewError, requestOf, reviewOf } from './review.ts';

/** Most that the process may be busy with one answer; it takes half of that at most. */
const MOST_MS = 50;
const MOST_ANSWER = 32_768;
const MOST_CAUSES = 51;

/** A cluster in which there is nothing. */
const nothing = { get: async () => undefined, list: async () => ({ items: [], resourceVersion: '1' }) };

describe('admission of malicious requests', () => {
  for (const [name, make] of Object.entries(HOSTILE)) {
    it(`answers ${name}, soon and shortly`, async () => {
      const request = make();
      for (const policy of [LENIENT, STRICT]) {
        const known = await timed(() => lookUpReferenced(request, nothing as never));
        for (const admit of [admitDefault, admitValidate]) {
          checkAnswer(await timed(async () => admit(request, policy, known)));
        }
      }
    });
  }
});

describe('admission of maps that are too wide', () => {
  const map = wideEntries();
  const full = wideEntries(MOST_KEYS - 10);

  for (const [name, { ask, field, reason }] of Object.entries(WIDE)) {
    it(`${field === undefined ? 'admits' : 'rejects'} ${name} soon, from the bytes on: ${reason}`, async () => {
      const body = Buffer.from(reviewText(askedText(ask, map)));
      for (const policy of [LENIENT, STRICT]) {
        for (const admit of [admitDefault, admitValidate]) {
          const answer = await timed(async () => {
            const request = requestIn(body);
            return admit(request, policy, await lookUpReferenced(request, nothing as never));
          });
          checkAnswer(answer);
          const causes = answer.status?.details?.causes ?? [];
          assert.deepEqual(
            causes.map(({ field, message }) => [field, message]),
            field === undefined ? [] : [[field, TOO_WIDE]],
          );
        }
      }
    });

    it(`answers ${name} soon where nothing is too wide: ${reason}`, async () => {
      const body = Buffer.from(reviewText(askedText(ask, full)));
      for (const admit of [admitDefault, admitValidate]) {
        checkAnswer(await timed(async () => admit(requestIn(body), LENIENT)));
      }
    });
  }
});

describe('admission of reviews that are costly to parse', () => {
  for (const [name, { body: make, says, reason }] of Object.entries(COSTLY)) {
    it(`answers ${name} soon, from the bytes on: ${reason}`, async () => {
      const body = Buffer.from(make());
      for (const admit of [admitDefault, admitValidate]) {
        const answer = await timed(async () => {
          const request = requestIn(body);
          return admit(request, LENIENT, await lookUpReferenced(request, nothing as never));
        }).catch(messageOf);
        if (typeof answer === 'string') {
          assert.match(answer, says ?? /^$/);
          continue;
        }
        checkAnswer(answer);
        assert.equal(answer.uid, 'review-1');
        assert.match(answer.status?.message ?? '', says ?? /^$/);
      }
    });
  }
});

function messageOf(error: unknown): string {
  if (error instanceof ReviewError || error instanceof SyntaxError) return error.message;
  throw error;
}

const TOO_WIDE = `has more than ${MOST_KEYS} keys; it may have at most ${MOST_KEYS}`;

function reviewText(request: string): string {
  return `{"apiVersion":"admission.k8s.io/v1","request":${request}}`;
}

function requestIn(body: Buffer): AdmissionRequest {
  return requestOf(JSON.parse(narrowed(body).toString()));
}

/** Times a work may be tried: a function that is new to V8 takes longer, and so does all while others have the caches. */
const MOST_TRIES = 20;

/** The quickest of a few times counts, in processor time of an idle machine. */
async function timed<T>(work: () => Promise<T>): Promise<T> {
  const times: number[] = [];
  while (times.length < MOST_TRIES) {
    let done: T | undefined;
    const ms = await processorMs(async () => {
      done = await work();
    });
    if (ms < MOST_MS || ms / (await slowness()) < MOST_MS) return done as T;
    times.push(ms);
  }
  assert.fail(`took ${times.map((time) => time.toFixed(0)).join(', ')} ms`);
}

function checkAnswer(answer: AdmissionResponse): void {
  const size = Buffer.byteLength(JSON.stringify(reviewOf(answer)));
  if (!answer.allowed) {
    assert.ok(size <= MOST_ANSWER, `the answer has ${size} bytes`);
    const causes = answer.status?.details?.causes ?? [];
    assert.ok(causes.length > 0 && causes.length <= MOST_CAUSES, `${causes.length} causes`);
  }
}
