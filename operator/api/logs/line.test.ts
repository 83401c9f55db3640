import assert from 'node:assert/strict';
import fc from 'fast-check';
import { entryOf } from './line.ts';
import { canonicalTime, following, lineTime, timeOfMs } from './time.ts';

const TIME = '2026-11-29T10:00:00.123456789Z';
const ORIGIN = {
  logName: 'projects/demo/logs/run.googleapis.com%2Fstdout',
  resource: { type: 'cloud_run_revision', labels: { service_name: 'hello' } },
  labels: { instanceId: '00ab' },
};
const NESTED = (depth: number) => `{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`;
const PLAIN = { severity: 'DEFAULT' };

interface Case {
  reason: string;
  line: string;
  is: object;
}

describe('lines of logs', () => {
  const cases: Record<string, Case> = {
    text: { reason: 'as it is', line: 'a {b}', is: { ...PLAIN, textPayload: 'a {b}' } },
    'an empty line': { reason: 'as it is', line: '', is: { ...PLAIN, textPayload: '' } },
    JSON: { reason: 'structured', line: '{"a":1,"b":"x"}', is: { ...PLAIN, jsonPayload: { a: 1, b: 'x' } } },
    'a message with a severity': {
      reason: 'the message alone is text',
      line: '{"severity":"error","message":"broken"}',
      is: { severity: 'ERROR', textPayload: 'broken' },
    },
    'a message and more': {
      reason: 'structured',
      line: '{"severity":"NOTICE","message":"m","component":"c"}',
      is: { severity: 'NOTICE', jsonPayload: { message: 'm', component: 'c' } },
    },
    'special fields': {
      reason: 'they have places of their own',
      line: JSON.stringify({
        message: 'm',
        'logging.googleapis.com/trace': 'projects/p/traces/t',
        'logging.googleapis.com/spanId': 's',
        'logging.googleapis.com/trace_sampled': true,
        'logging.googleapis.com/labels': { mine: 'x', instanceId: 'forged', n: 1 },
        'logging.googleapis.com/sourceLocation': { file: 'a.ts', line: '1' },
        'logging.googleapis.com/insertId': 'id-1',
        httpRequest: { status: 200 },
      }),
      is: {
        ...PLAIN,
        textPayload: 'm',
        trace: 'projects/p/traces/t',
        spanId: 's',
        traceSampled: true,
        labels: { mine: 'x', n: '1', instanceId: '00ab' },
        sourceLocation: { file: 'a.ts', line: '1' },
        insertId: 'id-1',
        httpRequest: { status: 200 },
      },
    },
    'special fields of another type': {
      reason: 'they stay in the payload',
      line: '{"severity":{},"httpRequest":"GET /","logging.googleapis.com/trace":1}',
      is: {
        ...PLAIN,
        jsonPayload: { severity: {}, httpRequest: 'GET /', 'logging.googleapis.com/trace': 1 },
      },
    },
    'a level by name': {
      reason: 'as libraries write it',
      line: '{"level":"warn","a":1}',
      is: { severity: 'WARNING', jsonPayload: { a: 1 } },
    },
    'a level by number': {
      reason: 'its meaning is the library’s',
      line: '{"level":30,"a":1}',
      is: { ...PLAIN, jsonPayload: { level: 30, a: 1 } },
    },
    'a severity by number': {
      reason: 'the next lower one',
      line: '{"severity":550,"a":1}',
      is: { severity: 'ERROR', jsonPayload: { a: 1 } },
    },
    'a time': {
      reason: 'order is that of the runtime',
      line: '{"time":"2020-01-01T00:00:00Z","a":1}',
      is: { ...PLAIN, jsonPayload: { time: '2020-01-01T00:00:00Z', a: 1 } },
    },
    'a list': { reason: 'no object', line: '[1]', is: { ...PLAIN, textPayload: '[1]' } },
    'broken JSON': { reason: 'no object', line: '{"a":}', is: { ...PLAIN, textPayload: '{"a":}' } },
    'JSON as deep as may be': {
      reason: 'the limit',
      line: NESTED(63),
      is: { ...PLAIN, jsonPayload: JSON.parse(NESTED(63)) },
    },
    'JSON that is nested too deeply': {
      reason: 'it could exhaust the stack',
      line: NESTED(100_000),
      is: { ...PLAIN, textPayload: NESTED(100_000) },
    },
  };
  for (const [name, { reason, line, is }] of Object.entries(cases)) {
    it(`${name}: ${reason}`, () => {
      const entry = entryOf(line, TIME, ORIGIN, 'hello-1/web');
      const { insertId, ...rest } = entry;
      const expected = {
        ...ORIGIN,
        timestamp: TIME,
        receiveTimestamp: TIME,
        ...('insertId' in is ? {} : { insertId }),
        ...is,
      };
      assert.deepEqual({ ...rest, insertId }, expected);
    });
  }

  it('makes an entry of any line, and the same one each time', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json()), (line) => {
        assert.deepEqual(entryOf(line, TIME, ORIGIN, 'a'), entryOf(line, TIME, ORIGIN, 'a'));
      }),
    );
  });
});

describe('times of logs', () => {
  const times: Record<string, [text: string, canonical: string | undefined]> = {
    UTC: ['2026-11-29T10:00:00Z', '2026-11-29T10:00:00.000000000Z'],
    'a fraction': ['2026-11-29T10:00:00.5Z', '2026-11-29T10:00:00.500000000Z'],
    'an offset': ['2026-11-29T12:00:00.123456789+02:00', TIME],
    'a date': ['2026-11-29', '2026-11-29T00:00:00.000000000Z'],
    'no time': ['today', undefined],
    'no month': ['2026-13-01T00:00:00Z', undefined],
  };
  for (const [name, [text, canonical]] of Object.entries(times)) {
    it(`reads ${name}`, () => assert.equal(canonicalTime(text), canonical));
  }

  it('cuts a line after its time', () => {
    assert.deepEqual(lineTime(`${TIME} a b`), { time: TIME, text: 'a b' });
    assert.deepEqual(lineTime(`${TIME} `), { time: TIME, text: '' });
    assert.equal(lineTime('unable to retrieve container logs'), undefined);
  });

  it('counts on by nanoseconds in the order of text', () => {
    assert.equal(following('2026-12-31T23:59:59.999999999Z'), '2027-01-01T00:00:00.000000000Z');
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4e12 }), fc.integer({ min: 0, max: 999_999 }), (ms, nanos) => {
        const time = timeOfMs(ms).replace(/\d{6}Z$/, `${String(nanos).padStart(6, '0')}Z`);
        assert.ok(following(time) > time);
        assert.equal(canonicalTime(following(time)), following(time));
      }),
    );
  });
});
