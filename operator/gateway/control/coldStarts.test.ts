import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type ColdStartPart, ColdStarts } from './coldStarts.ts';

describe('ColdStarts', () => {
  let starts: ColdStarts;
  let seen: [ColdStartPart, number][];

  beforeEach(() => {
    seen = [];
    starts = new ColdStarts(10_000, (part, ms) => seen.push([part, ms]));
  });

  const CASES: Record<string, { reason: string; events: () => void; parts: [ColdStartPart, number][] }> = {
    whole: {
      reason: 'each part ends where the next begins',
      events: () => {
        starts.wanted('r', 100);
        starts.decided('r', 130);
        starts.placed('r', 'p', 600);
        starts.placed('r', 'p', 700);
        starts.started('r', 'p', true, 900);
        starts.answered('r', 950);
      },
      parts: [
        ['decide', 30],
        ['schedule', 570],
        ['start', 200],
        ['first_byte', 50],
      ],
    },
    'said again': {
      reason: 'threads repeat that a request waits, and each waits for the same decision',
      events: () => {
        starts.wanted('r', 100);
        starts.wanted('r', 1100);
        starts.decided('r', 1130);
        starts.decided('r', 1140);
      },
      parts: [['decide', 1030]],
    },
    'another gateway decided': {
      reason: 'it measures this start',
      events: () => {
        starts.wanted('r', 100);
        starts.placed('r', 'p', 600);
        starts.started('r', 'p', true, 900);
        starts.answered('r', 950);
      },
      parts: [],
    },
    'two pods': {
      reason: 'the first one to start is what requests waited for',
      events: () => {
        starts.wanted('r', 100);
        starts.decided('r', 130);
        starts.placed('r', 'p', 600);
        starts.placed('r', 'q', 800);
        starts.started('r', 'p', true, 900);
        starts.started('r', 'q', true, 901);
        starts.answered('r', 950);
        starts.answered('r', 960);
      },
      parts: [
        ['decide', 30],
        ['schedule', 470],
        ['start', 300],
        ['first_byte', 50],
      ],
    },
    'a pod before the answer': {
      reason: 'the watch may be faster than the answer of the API server, and no part is negative',
      events: () => {
        starts.wanted('r', 100);
        starts.placed('r', 'p', 120);
        starts.decided('r', 130);
        starts.started('r', 'p', true, 150);
      },
      parts: [
        ['decide', 30],
        ['schedule', 0],
        ['start', 20],
      ],
    },
    'all clients left': {
      reason: 'a later request is no part of it',
      events: () => {
        starts.wanted('r', 100);
        starts.decided('r', 130);
        starts.unwanted('r');
        starts.placed('r', 'p', 600);
        starts.started('r', 'p', false, 900);
        starts.answered('r', 9000);
      },
      parts: [
        ['decide', 30],
        ['schedule', 470],
        ['start', 300],
      ],
    },
    'clients left before a decision': {
      reason: 'the next start begins with its own request',
      events: () => {
        starts.wanted('r', 100);
        starts.unwanted('r');
        starts.wanted('r', 5000);
        starts.decided('r', 5010);
      },
      parts: [['decide', 10]],
    },
    'never started': {
      reason: 'it is given up after its limit',
      events: () => {
        starts.wanted('r', 100);
        starts.decided('r', 130);
        starts.tick(10_100);
        assert.equal(starts.size, 1);
        starts.tick(10_101);
        assert.equal(starts.size, 0);
        starts.placed('r', 'p', 10_200);
        starts.started('r', 'p', true, 10_300);
      },
      parts: [['decide', 30]],
    },
    'an instance that nothing waited for': {
      reason: 'scaling out is no cold start',
      events: () => {
        starts.placed('r', 'p', 600);
        starts.started('r', 'p', false, 900);
        starts.answered('r', 950);
      },
      parts: [],
    },
  };
  for (const [name, { reason, events, parts }] of Object.entries(CASES)) {
    it(`${name}: ${reason}`, () => {
      events();
      assert.deepEqual(seen, parts);
    });
  }

  it('measures no negative time and keeps nothing for ever, whatever happens in whatever order', () => {
    const revision = fc.constantFrom('r', 's');
    const uid = fc.constantFrom('p', 'q');
    const event = fc.oneof(
      fc.record({ kind: fc.constantFrom('wanted', 'unwanted', 'decided', 'answered'), revision, uid }),
      fc.record({ kind: fc.constantFrom('placed', 'started'), revision, uid }),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), (events) => {
        seen = [];
        let now = 0;
        for (const { kind, revision, uid } of events) {
          now += 10;
          if (kind === 'wanted') starts.wanted(revision, now);
          else if (kind === 'unwanted') starts.unwanted(revision);
          else if (kind === 'decided') starts.decided(revision, now);
          else if (kind === 'answered') starts.answered(revision, now);
          else if (kind === 'placed') starts.placed(revision, uid, now);
          else starts.started(revision, uid, true, now);
        }
        starts.tick(now + 10_001);
        assert.equal(starts.size, 0);
        const negative = seen.filter(([, ms]) => ms < 0);
        assert.deepEqual(negative, []);
      }),
      { numRuns: 2000 },
    );
  });
});
