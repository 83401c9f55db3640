import { deepEqual, equal, throws } from 'node:assert/strict';
import fc from 'fast-check';
import { readList } from './answer.ts';
import { S3Error } from './errors.ts';

const list = (...inner: string[]) =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>sources</Name>${inner.join('')}</ListBucketResult>`;
const object = (...inner: string[]) => `<Contents>${inner.join('')}</Contents>`;
const KEY = '<Key>parts/a&amp;b</Key>';
const SIZE = '<Size>5</Size>';
const DATE = '<LastModified>2026-01-01T00:00:00.000Z</LastModified>';

describe('the list of a store that speaks S3', () => {
  it('has objects, folders, and what asks for the next page', () => {
    const xml = list(
      '<IsTruncated>true</IsTruncated><NextContinuationToken>a+&#x2F;&#61;</NextContinuationToken>',
      object(KEY, SIZE, DATE, '<Owner><ID>me</ID></Owner>'),
      '<CommonPrefixes><Prefix>objects/a/</Prefix></CommonPrefixes>',
    );
    deepEqual(readList(xml), {
      objects: [{ key: 'parts/a&b', size: 5, modified: Date.parse('2026-01-01') }],
      prefixes: ['objects/a/'],
      next: 'a+/=',
    });
  });

  it('leaves a character that does not exist as it stands', () => {
    const [read] = readList(list(object('<Key>&#x110000;&nbsp;</Key>', SIZE, DATE))).objects;
    equal(read?.key, '&#x110000;&nbsp;');
  });

  const LAST: Record<string, string> = {
    'an empty token': '<IsTruncated>false</IsTruncated><NextContinuationToken></NextContinuationToken>',
    'a token all the same':
      '<IsTruncated>false</IsTruncated><NextContinuationToken>a</NextContinuationToken>',
  };
  for (const [name, xml] of Object.entries(LAST)) {
    it(`ends where the store says so, with ${name}`, () => equal(readList(list(xml)).next, undefined));
  }

  it('may be empty', () => deepEqual(readList(list()), { objects: [], prefixes: [] }));

  const WRONG: Record<string, { reason: string; xml: string }> = {
    nothing: { reason: 'an empty list would have all parts swept', xml: '' },
    'a page of a web server': { reason: 'it lists no objects, and has an end', xml: '<html><body/></html>' },
    'a list that is cut off': {
      reason: 'what it lacks would be taken for gone',
      xml: list(object(KEY, SIZE, DATE)).slice(0, -20),
    },
    'an error of status 200': { reason: 'proxies make such', xml: '<Error><Code>SlowDown</Code></Error>' },
    'more to come, and no word how to ask for it': {
      reason: 'a store that knows the first version of lists only answers like this',
      xml: list('<IsTruncated>true</IsTruncated>', object(KEY, SIZE, DATE)),
    },
    'more to come, and an empty word how to ask for it': {
      reason: 'the first page would come again',
      xml: list('<IsTruncated>true</IsTruncated><NextContinuationToken></NextContinuationToken>'),
    },
    'an object without a key': { reason: 'nobody knows what it is', xml: list(object(SIZE, DATE)) },
    'an object without a size': { reason: 'the room of a bucket goes by it', xml: list(object(KEY, DATE)) },
    'an object without a time': { reason: 'what is swept goes by it', xml: list(object(KEY, SIZE)) },
    'a time that is none': {
      reason: 'it is neither old nor new',
      xml: list(object(KEY, SIZE, '<LastModified>today</LastModified>')),
    },
  };
  for (const [name, { reason, xml }] of Object.entries(WRONG)) {
    it(`is refused where it is ${name}: ${reason}`, () => throws(() => readList(xml), { code: 'S3_ANSWER' }));
  }

  it('is read, or refused as such, whatever the store says', () => {
    const piece = fc.constantFrom(
      ...[
        '<Contents>',
        '</Contents>',
        KEY,
        SIZE,
        DATE,
        '<Key>',
        '</Key>',
        '&#99999999;',
        '&amp',
        '<IsTruncated>',
      ],
      ...['true', '</IsTruncated>', '<Size>', '</Size>', '-1', '<CommonPrefixes>', '</CommonPrefixes>', '<'],
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), fc.nat(), (pieces, cut) => {
        const xml = list(...pieces);
        try {
          const { objects } = readList(xml.slice(0, xml.length - (cut % 3)));
          return objects.every(({ key, size, modified }) => key !== '' && size >= 0 && modified > 0);
        } catch (error) {
          return error instanceof S3Error;
        }
      }),
    );
  });
});
