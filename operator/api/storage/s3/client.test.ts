import { deepEqual, doesNotMatch, equal, match, ok, rejects } from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import type { LookupFunction } from 'node:net';
import { inspect } from 'node:util';
import { Agent } from 'undici';
import type { S3Client, S3Options } from './client.ts';
import { S3Error } from './errors.ts';
import { clientOf } from './testing/client.ts';
import { FakeS3, refuse } from './testing/fakeS3.ts';

const asList = (inner: string) => `<ListBucketResult><Name>sources</Name>${inner}</ListBucketResult>`;
const listed = (key: string) =>
  `<Contents><Key>${key}</Key><LastModified>2026-01-01T00:00:00Z</LastModified><Size>1</Size></Contents>`;

const twoAddresses: LookupFunction = (_name, _options, done) =>
  done(
    null,
    ['127.0.0.1', '127.0.0.2'].map((address) => ({ address, family: 4 })),
  );

describe('the client of a store that speaks S3', () => {
  let fake: FakeS3;
  beforeEach(async () => {
    fake = await FakeS3.start();
  });
  afterEach(() => fake[Symbol.asyncDispose]());

  async function failureOf(act: (client: S3Client) => Promise<unknown>, options: Partial<S3Options> = {}) {
    const failure = await act(clientOf(fake, options)).catch((error: unknown) => error);
    ok(failure instanceof S3Error, inspect(failure));
    return failure;
  }

  const FAULTS: Record<
    string,
    {
      reason: string;
      /** What the store answers where it is not right itself. */
      answer?: (response: ServerResponse) => void;
      options?: Partial<S3Options>;
      code: string;
      message: RegExp;
      tries: number;
    }
  > = {
    'keys that may not': {
      reason: 'trying again does not help',
      answer: (response) => refuse(response, 403, 'AccessDenied'),
      code: 'S3_DENIED',
      message: /answered 403 \(AccessDenied\)\. The keys of the Secret .* must be allowed to read/,
      tries: 1,
    },
    'keys that are wrong': {
      reason: 'the signature is not the one of the store',
      options: { keys: async () => ({ accessKeyId: 'key', secretAccessKey: 'other' }) },
      code: 'S3_DENIED',
      message: /answered 403 \(SignatureDoesNotMatch\)\. The keys of the Secret .* must be the store's/,
      tries: 1,
    },
    'a clock that is wrong': {
      reason: 'no keys would help',
      answer: (response) => refuse(response, 403, 'RequestTimeTooSkewed'),
      code: 'S3_DENIED',
      message: /\(RequestTimeTooSkewed\)\. The clocks of the node and of the store must agree\./,
      tries: 1,
    },
    'a refusal that stops in the middle': {
      reason: 'its status says enough',
      answer: (response) => void response.writeHead(403, { 'content-length': 100 }).write('<Error>'),
      options: { timeoutMs: 50 },
      code: 'S3_DENIED',
      message: /answered 403\. The keys/,
      tries: 1,
    },
    'a bucket that is not there': {
      reason: 'nobody makes it',
      answer: (response) => refuse(response, 404, 'NoSuchBucket'),
      code: 'S3_NO_BUCKET',
      message: /NoSuchBucket.*api\.storage\.s3\.bucket must be there/,
      tries: 1,
    },
    'a bucket that is elsewhere': {
      reason: 'who is asked elsewhere would need another signature',
      answer: (response) => refuse(response, 301, 'PermanentRedirect'),
      code: 'S3_ANSWER',
      message:
        /answered 301 \(PermanentRedirect\)\. Chart values api\.storage\.s3\.endpoint and api\.storage\.s3\.region/,
      tries: 1,
    },
    'a bucket of another region': {
      reason: 'the region is a part of the signature',
      answer: (response) => refuse(response, 400, 'AuthorizationHeaderMalformed'),
      code: 'S3_ANSWER',
      message: /\(AuthorizationHeaderMalformed\)\. Chart values .* must be those of the bucket\./,
      tries: 1,
    },
    'a store that fails': {
      reason: 'it may work a moment later',
      answer: (response) => refuse(response, 500, 'InternalError'),
      code: 'S3_BUSY',
      message: /answered 500 \(InternalError\)/,
      tries: 3,
    },
    'a store that is too busy': {
      reason: 'S3 answers SlowDown',
      answer: (response) => refuse(response, 503, 'SlowDown'),
      code: 'S3_BUSY',
      message: /answered 503 \(SlowDown\)/,
      tries: 3,
    },
    'a request that took too long to arrive': {
      reason: 'S3 says so with 400, and means that it is to be sent again',
      answer: (response) => refuse(response, 400, 'RequestTimeout'),
      code: 'S3_BUSY',
      message: /answered 400 \(RequestTimeout\)/,
      tries: 3,
    },
    'a write that another one is in the way of': {
      reason: 'S3 says that it is to be tried again',
      answer: (response) => refuse(response, 409, 'OperationAborted'),
      code: 'S3_BUSY',
      message: /answered 409 \(OperationAborted\)/,
      tries: 3,
    },
    'a connection that ends': {
      reason: 'a proxy between may restart',
      answer: (response) => response.destroy(),
      code: 'S3_UNREACHABLE',
      message: /is not reached: \S/,
      tries: 3,
    },
    'a connection that ends within an answer': {
      reason: 'half of it is nothing',
      answer: (response) => {
        response.writeHead(200, { 'content-length': 100 }).write('half');
        setImmediate(() => response.destroy());
      },
      code: 'S3_UNREACHABLE',
      message: /is not reached: \S/,
      tries: 3,
    },
    'nobody at the address': {
      reason: 'of a name with several addresses Node.js gives no message',
      options: {
        endpoint: 'http://s3.example:1',
        dispatcher: new Agent({ connect: { lookup: twoAddresses } }),
      },
      code: 'S3_UNREACHABLE',
      message: /is not reached: .*ECONNREFUSED/,
      tries: 0,
    },
    'no answer': {
      reason: 'nobody waits for ever',
      answer: () => {},
      options: { timeoutMs: 50 },
      code: 'S3_TIMEOUT',
      message: /did not answer in time/,
      tries: 3,
    },
    'an answer that does not go on': {
      reason: 'nobody waits for ever',
      answer: (response) => void response.writeHead(200, { 'content-length': 100 }).write('half'),
      options: { timeoutMs: 50 },
      code: 'S3_TIMEOUT',
      message: /did not answer in time/,
      tries: 3,
    },
    'an answer that does not end': {
      reason: 'a text is kept in memory',
      answer: (response) => void response.writeHead(200).end(Buffer.alloc((4 << 20) + 1)),
      code: 'S3_ANSWER',
      message: /is too long/,
      tries: 1,
    },
    'an answer that is no S3': {
      reason: 'the endpoint may be a web server',
      answer: (response) => void response.writeHead(302, { location: 'http://x' }).end('<html>'),
      code: 'S3_ANSWER',
      message: /answered 302\. Chart values api\.storage\.s3\.endpoint/,
      tries: 1,
    },
    'nothing found by something else than a store': {
      reason: 'a proxy without a store says it, and the object is there all the same',
      answer: (response) => void response.writeHead(404).end('default backend - 404'),
      code: 'S3_ANSWER',
      message: /answered 404\./,
      tries: 1,
    },
  };
  for (const [name, { reason, answer, options, code, message, tries }] of Object.entries(FAULTS)) {
    it(`says what is wrong at ${name}: ${reason}`, async () => {
      fake.fault = (_, response) => {
        answer?.(response);
        return answer !== undefined;
      };
      const failure = await failureOf((client) => client.getText('a'), options);
      match(failure.message, message);
      deepEqual([failure.code, fake.requests.length], [code, tries]);
      doesNotMatch(inspect(failure, { depth: 10 }), /Credential=|Signature=/);
    });
  }

  it('reads, writes and removes after all where the store fails once', async () => {
    const client = clientOf(fake);
    const acts = [
      () => client.put('a', Buffer.from('x')),
      () => client.getText('a'),
      () => client.delete('a'),
    ];
    for (const act of acts) {
      let failed = false;
      fake.fault = (_, response) => {
        if (failed) return false;
        failed = true;
        response.writeHead(200, { 'content-length': 9 }).write('half');
        setImmediate(() => response.destroy());
        return true;
      };
      await act();
    }
    deepEqual([...fake.objects.keys()], []);
    deepEqual(fake.requests, ['PUT a', 'PUT a', 'GET a', 'GET a', 'DELETE a', 'DELETE a']);
  });

  it('knows what is not there from what is not found', async () => {
    const client = clientOf(fake);
    equal(await client.getText('a'), undefined);
    equal(await client.get('a'), undefined);
    fake.fault = (_, response) => {
      refuse(response, 404, 'NoSuchKey');
      return true;
    };
    await client.delete('a');
    await rejects(client.put('a', Buffer.from('x')), { message: /^PUT \/sources\/a: .* answered 404/ });
  });

  const LISTS: Record<string, { reason: string; xml: string }> = {
    'the same page over and over': {
      reason: 'reading it would not end',
      xml: asList('<NextContinuationToken>a</NextContinuationToken>'),
    },
    'what was not asked for': { reason: 'it might be removed', xml: asList(listed('theirs/a')) },
  };
  for (const [name, { reason, xml }] of Object.entries(LISTS)) {
    it(`refuses a list with ${name}: ${reason}`, async () => {
      fake.fault = (_, response) => {
        response.end(xml);
        return true;
      };
      const failure = await failureOf(async (client) => {
        for await (const _ of client.list('parts/'));
      });
      equal(failure.code, 'S3_ANSWER');
    });
  }
});
