import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ApiError } from '../../errors.ts';
import type { LogEntry } from '../entry.ts';
import { compileFilter } from './evaluate.ts';
import { narrow } from './narrow.ts';
import { parseFilter } from './parse.ts';

const ENTRY: LogEntry = {
  logName: 'projects/demo/logs/run.googleapis.com%2Fstdout',
  resource: {
    type: 'cloud_run_revision',
    labels: { service_name: 'hello', location: 'local', project_id: 'demo' },
  },
  timestamp: '2026-11-29T10:00:00.500000000Z',
  receiveTimestamp: '2026-11-29T10:00:00.500000000Z',
  severity: 'WARNING',
  insertId: 'abc-1',
  labels: { instanceId: '00ab', 'run.googleapis.com/execution_name': 'j-1' },
  trace: 'projects/demo/traces/0af7',
  httpRequest: { requestMethod: 'GET', status: 404, latency: '1.5s', responseSize: '2048' },
  jsonPayload: {
    message: 'Disk is full',
    count: 7,
    ratio: -0.5,
    ok: true,
    none: null,
    'a.b': 'dotted',
    items: [{ sku: 'x1' }, { sku: 'x2' }],
    tags: ['red', 'green'],
  },
};

const test = async (filter: string) => (await compileFilter(parseFilter(filter)))(ENTRY);

describe('filters of logs', () => {
  const passing: Record<string, string> = {
    everything: '',
    'blanks and a comment': '  -- all\n',
    'gcloud run services logs read':
      'resource.type = cloud_run_revision \n AND resource.labels.service_name = hello \n AND resource.labels.location = local \n AND severity >= DEFAULT \n AND timestamp>="2026-11-28T10:00:00.000000Z"',
    'gcloud run jobs executions logs read':
      'labels."run.googleapis.com/execution_name" = j-1 \n AND severity >= DEFAULT \n',
    'gcloud logging read': 'timestamp>="2026-11-28T10:00:00Z" AND resource.labels.service_name=hello',
    'the client library':
      'resource.type="cloud_run_revision"\nlogName="projects/demo/logs/run.googleapis.com%2Fstdout"\nseverity>=INFO',
    'no case': 'resource.labels.service_name=HELLO AND jsonPayload.message="disk IS full"',
    'a value in no case': 'severity>=warning',
    'a severity by number': 'severity<=400 AND severity>300',
    'another severity': 'severity!=ERROR',
    has: 'jsonPayload.message:disk',
    'has a number': 'jsonPayload.count:7',
    'is there': 'jsonPayload.count:* AND httpRequest:*',
    'is not there': 'NOT jsonPayload.other:*',
    'a missing field, negated': 'NOT jsonPayload.other=1',
    'NOT by a dash': '-jsonPayload.message:empty -severity=ERROR',
    'OR before AND': 'severity=ERROR OR severity=WARNING AND jsonPayload.count=7',
    'AND within OR in parentheses': '(severity=ERROR AND jsonPayload.count=7) OR severity=WARNING',
    'values in parentheses': 'severity=(ERROR OR WARNING)',
    'values that all must be there': 'jsonPayload.message:(disk AND full)',
    'a value that must not': 'jsonPayload.message:(disk AND NOT empty)',
    numbers: 'jsonPayload.count>6.5 AND jsonPayload.count<8 jsonPayload.ratio=-0.5',
    'numbers as texts': 'httpRequest.responseSize>1000',
    durations: 'httpRequest.latency>1.2s',
    booleans: 'jsonPayload.ok=true AND jsonPayload.ok!=false',
    null: 'jsonPayload.none=NULL_VALUE',
    'a name with a dot': 'jsonPayload."a.b"=dotted',
    'any item of a list': 'jsonPayload.items.sku=x2 AND jsonPayload.tags=green',
    'a text anywhere': '"disk is full"',
    'two texts': 'disk x1',
    'a regular expression': 'jsonPayload.message=~"^Disk\\\\s+is"',
    'a regular expression with flags': 'jsonPayload.message=~"(?i)DISK"',
    'not a regular expression': 'jsonPayload.message!~"empty$"',
    'names with underscores': 'http_request.request_method=GET json_payload.count=7',
    'a log by its ID': 'log_id("run.googleapis.com/stdout")',
    'a time with an offset': 'timestamp<"2026-11-29T12:00:00.6+02:00"',
    'a date': 'timestamp>="2026-11-29"',
    escapes: 'jsonPayload.message!="\\"\\n\\u0041"',
    'single quotes': "jsonPayload.message='disk is full'",
    'no blanks': 'severity>=INFO(jsonPayload.count=7)',
  };
  for (const [name, filter] of Object.entries(passing)) {
    it(`passes: ${name}`, async () => assert.equal(await test(filter), true));
  }

  const failing: Record<string, string> = {
    'another service': 'resource.labels.service_name=other',
    'a missing field': 'jsonPayload.other=1',
    'a missing field that differs': 'jsonPayload.other!=1',
    'a text, compared as one': 'jsonPayload.message<5',
    'a later time': 'timestamp>="2026-11-29T10:00:00.500000001Z"',
    'small keywords are texts': 'severity=WARNING and severity=ERROR',
    'a key of every object': 'jsonPayload.constructor:*',
    'all of the values': 'jsonPayload.message:(disk AND empty)',
    'any item that differs': 'jsonPayload.tags!=red',
    'quotation marks around a star': 'jsonPayload.message:"*"',
  };
  for (const [name, filter] of Object.entries(failing)) {
    it(`does not pass: ${name}`, async () => assert.equal(await test(filter), false));
  }

  const wrong: Record<string, [filter: string, message: RegExp]> = {
    'an unknown field': [
      'service=hello',
      /names the field "service" at character 1; an entry has logName, resource/,
    ],
    'an unknown field of a field': [
      'resource.name=x',
      /names the field "resource.name" .*; resource has type, labels/,
    ],
    'a field of a text': ['textPayload.a=x', /textPayload has no fields/],
    'an empty part': ['jsonPayload..a=x', /a part between its dots is empty/],
    'an open quotation mark': ['textPayload="a', /quotation mark at character 13 that is not closed/],
    'an open parenthesis': ['(severity=ERROR', /has the end at character 16, where "\)" was expected/],
    'a closed parenthesis': [
      'severity=ERROR)',
      /has "\)" at character 15, where AND, OR or the end was expected/,
    ],
    'no value': ['severity>=', /has the end at character 11, where a value was expected/],
    'a keyword as a value': ['severity>=AND', /has "AND" at character 11, where a value/],
    'an OR at the end': ['severity=ERROR OR', /has the end at character 18, where a field or a text/],
    'two operators': ['severity==ERROR', /has "=" at character 10, where a value/],
    'a colon in a value': ['textPayload=a:b', /has ":" at character 14, where AND, OR or the end/],
    'a severity that is none': [
      'severity>=LOUD',
      /compares severity with "LOUD"; it must be one of DEFAULT, DEBUG/,
    ],
    'a time that is none': [
      'timestamp>="yesterday"',
      /compares timestamp by >= with "yesterday"; it must be/,
    ],
    'a month that is none': ['timestamp>="2026-13-01T00:00:00Z"', /compares timestamp/],
    'a function': [
      'sample(insertId, 0.1)',
      /uses the function "sample" at character 1; the only one here is log_id/,
    ],
    'a regular expression that is none': ['textPayload=~"("', /no regular expression of RE2/],
    'look-behind': ['textPayload=~"(?<=a)b"', /no regular expression of RE2/],
    'too deep': [`${'('.repeat(60)}a${')'.repeat(60)}`, /is nested more than 50 deep/],
    'too many negations': [`${'NOT '.repeat(60)}a`, /is nested more than 50 deep/],
    'too long': ['a'.repeat(20_001), /has 20001 characters; it must have at most 20000/],
  };
  for (const [name, [filter, message]] of Object.entries(wrong)) {
    it(`refuses ${name}`, async () => {
      await assert.rejects(test(filter), (error) => {
        assert.ok(error instanceof ApiError && error.code === 'INVALID_ARGUMENT');
        assert.match(error.message, /^filter: /);
        assert.match(error.message, message);
        return true;
      });
    });
  }

  it('either compiles or refuses any text, at once', async () => {
    const piece = fc.constantFrom(
      'severity',
      '=',
      '>=',
      ':',
      '=~',
      '(',
      ')',
      'AND',
      'OR',
      'NOT',
      '-',
      '"a"',
      "'",
      '"',
      '\\',
      'ERROR',
      ' ',
      'jsonPayload.a',
      '"a.b"',
      '.',
      'timestamp',
      '*',
      '5',
      ',',
      'log_id(',
      '--',
      '\n',
      'é',
      '\u{1F600}',
      '\0',
    );
    const text = fc.oneof(
      fc.array(piece, { maxLength: 30 }).map((parts) => parts.join('')),
      fc.string({ unit: 'binary' }),
    );
    await fc.assert(
      fc.asyncProperty(text, async (filter) => {
        try {
          assert.equal(typeof (await test(filter)), 'boolean');
        } catch (error) {
          assert.ok(error instanceof ApiError && error.code === 'INVALID_ARGUMENT', String(error));
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('says of an origin only what holds for each of its entries', async () => {
    const fields = [
      'severity=ERROR',
      'resource.type=cloud_run_job',
      'resource.labels.service_name=hello',
      'labels.instanceId=00ab',
      'labels.mine=1',
      'disk',
      'logName:stdout',
    ];
    const tree = fc.letrec<{ filter: string }>((tie) => ({
      filter: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom(...fields),
        fc
          .tuple(tie('filter'), fc.constantFrom('AND', 'OR'), tie('filter'))
          .map(([a, and, b]) => `(${a} ${and} ${b})`),
        tie('filter').map((inner) => `NOT (${inner})`),
      ),
    })).filter;
    const { logName, resource, labels } = ENTRY;
    await fc.assert(
      fc.asyncProperty(tree, async (filter) => {
        const compiled = await compileFilter(parseFilter(filter));
        const said = compiled({ logName, resource, labels });
        if (said !== undefined) assert.equal(compiled(ENTRY), said, filter);
      }),
      { numRuns: 500 },
    );
  });

  it('takes time that is linear in the text for any regular expression', async () => {
    const filter = await compileFilter(parseFilter('jsonPayload.message=~"^(a+)+$"'));
    const message = `${'a'.repeat(50_000)}!`;
    const before = process.threadCpuUsage();
    assert.equal(filter({ ...ENTRY, jsonPayload: { message } }), false);
    const { user, system } = process.threadCpuUsage(before);
    assert.ok(user + system < 5_000_000);
  });

  it('narrows by what the outermost AND demands', () => {
    const { equal, from, to } = narrow(
      parseFilter(
        'resource.labels.service_name=hello (resource.type=a OR resource.type=b) timestamp>="2026-01-01" AND (timestamp>"2026-01-02" timestamp<"2026-02-01") NOT severity=INFO',
      ),
    );
    assert.deepEqual([...equal], [['resource.labels.service_name', 'hello']]);
    assert.deepEqual([from, to], ['2026-01-02T00:00:00.000000000Z', '2026-02-01T00:00:00.000000000Z']);
    assert.deepEqual(narrow(undefined), { equal: new Map(), from: undefined, to: undefined });
  });
});
