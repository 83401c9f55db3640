import { objectOf, requestFor } from './requests.ts';

/** The API server's limit for one object. */
const MOST_BYTES = 3_000_000;

export interface CostlyCase {
  /** The JSON of a review. */
  body: () => string;
  /** The message of the rejection, or of the error when it is no review of an API server; unset when it is admitted. */
  says?: RegExp;
  reason: string;
}

const PLACE = '"HERE"';
const review = (oldObject?: unknown) =>
  JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: requestFor(objectOf('spec: {template: {spec: {containers: [{image: app, args: HERE}]}}}'), {
      oldObject,
    }),
  });
const sound = review().replace(`,"args":${PLACE}`, '');

/** A review of an object with `json` for the arguments of its container, in what replaces it or in what is replaced. */
const withArgs = (json: string) => () => review().replace(PLACE, json);
const withTwo = (json: string) => () => {
  const { object } = JSON.parse(review()).request;
  return review(object).replaceAll(PLACE, json);
};
const withStored = (json: string) => () => {
  const { object } = JSON.parse(review()).request;
  return review(object).replace(`,"args":${PLACE}`, '').replace(PLACE, json);
};
/** A review with `json` as one more member at its outermost level. */
const beside = (json: string) => () => sound.replace('{', `{"more":${json},`);

const count = (item: string) => Math.floor(MOST_BYTES / (item.length + 1));
const listOf = (item: string, length = count(item)) => `[${`${item},`.repeat(length - 1)}${item}]`;
const keysOf = (length: number) => `{${Array.from({ length }, (_, i) => `"k${i}":""`).join(',')}}`;

/** Maps in which no key occurs twice. */
const ownKeys = (maps: number, keys: number) =>
  `[${Array.from({ length: maps }, (_, map) => `{${Array.from({ length: keys }, (_, i) => `"k${map}-${i}":1`)}}`)}]`;

/** Where the object has one value too many: it has ten values beside its arguments. */
const TOO_LARGE =
  /^spec\.template\.spec\.containers\[0\]\.args\[\d+\][^ ]*: is too large: the object has more than 100000 values$/;

const TOO_MANY_KEYS =
  /^spec\.template\.spec\.containers\[0\]\.args\[\d+\]\.k[^ ]*: is too large: the object has more than 12000 different keys$/;

/** Bodies of reviews that take long to parse, or have values that do. */
export const COSTLY: Readonly<Record<string, CostlyCase>> = {
  'a list of empty maps': {
    body: withArgs(listOf('{}')),
    says: TOO_LARGE,
    reason: 'each is an object in memory',
  },
  'two lists of empty maps': {
    body: withTwo(listOf('{}')),
    says: TOO_LARGE,
    reason: 'a review contains two objects',
  },
  'a list of empty maps in what is stored': {
    body: withStored(listOf('{}')),
    reason: 'it predates its schema, and must not prevent its repair',
  },
  'a list of empty lists': { body: withArgs(listOf('[]')), says: TOO_LARGE, reason: 'as maps' },
  'a list of small maps': { body: withArgs(listOf('{"a":{"b":[1]}}')), says: TOO_LARGE, reason: 'as maps' },
  'a list of numbers': { body: withArgs(listOf('1')), says: TOO_LARGE, reason: 'the most values that fit' },
  'a list of fractions': {
    body: withArgs(listOf('1.2345678901e-7')),
    says: TOO_LARGE,
    reason: 'each is converted',
  },
  'a list of empty strings': { body: withArgs(listOf('""')), says: TOO_LARGE, reason: 'each is a value' },
  'a list of brackets in strings': {
    body: withArgs(listOf('"[{\\"}]"', 90_000)),
    says: /args: has 90000 items; it may have at most 1000/,
    reason: 'they open nothing',
  },
  'lists in lists': {
    body: withArgs('['.repeat(MOST_BYTES / 2) + ']'.repeat(MOST_BYTES / 2)),
    says: /args\S*: is nested more than 64 levels deep$/,
    reason: 'each is an object in memory',
  },
  'maps in maps': {
    body: withArgs(`${'{"":'.repeat(500_000)}1${'}'.repeat(500_000)}`),
    says: /args\S*: is nested more than 64 levels deep$/,
    reason: 'each is an object in memory',
  },
  'a string of quotes': {
    body: withArgs(`["${'\\"'.repeat(MOST_BYTES / 2)}"]`),
    says: /args\[0\]: is longer than 131072 characters/,
    reason: 'none of them ends it',
  },
  'a string of backslashes': {
    body: withArgs(`["${'\\\\'.repeat(MOST_BYTES / 2)}"]`),
    says: /args\[0\]: is longer than 131072 characters/,
    reason: 'none of them hides its end',
  },
  'a string of escaped letters': {
    body: withArgs(`["${'\\u0041'.repeat(MOST_BYTES / 6)}"]`),
    says: /args\[0\]: is longer than 131072 characters/,
    reason: 'each is converted',
  },
  'a number of 3 MB': {
    body: withArgs(`[${'9'.repeat(MOST_BYTES)}]`),
    says: /args\[0\]: is Infinity; it must be a text/,
    reason: 'its digits are added up',
  },
  'spaces between values': {
    body: withArgs(`[${' '.repeat(MOST_BYTES)}]`),
    reason: 'nothing is wrong with them',
  },
  'as many values as an object may have': {
    body: withArgs(listOf('1', 99_900)),
    says: /args: has 99900 items; it may have at most 1000/,
    reason: 'they are parsed',
  },
  'as many maps as an object may have, twice': {
    body: withTwo(listOf('{}', 99_900)),
    says: /args: has 99900 items; it may have at most 1000/,
    reason: 'they are parsed',
  },
  'maps with a key of its own each': {
    body: withArgs(ownKeys(49_000, 1)),
    says: TOO_MANY_KEYS,
    reason: 'V8 makes a hidden class for each',
  },
  'maps with ten keys of their own each, twice': {
    body: withTwo(ownKeys(9_000, 10)),
    says: TOO_MANY_KEYS,
    reason: 'V8 makes hidden classes for each',
  },
  'maps with ten keys of their own, as many as may be': {
    body: withArgs(ownKeys(1_100, 10)),
    says: /args: has 1100 items; it may have at most 1000/,
    reason: 'V8 makes hidden classes for each',
  },
  '9 maps with as many keys as they may have': {
    body: withArgs(`[${Array(9).fill(keysOf(10_000)).join(',')}]`),
    says: /args\[2\]\.k\d+: is too large: the object has more than 20000 keys in maps of more than 1000$/,
    reason: 'a large map is a hash table',
  },
  'a map with as many keys as it may have, and small ones with their own, twice': {
    body: withTwo(`[${keysOf(10_000)},${ownKeys(199, 10).slice(1)}`),
    says: /args\[0\]: is \{.*it must be a text/,
    reason: 'they are parsed',
  },
  'a list of empty maps outside of the objects': {
    body: beside(listOf('{}')),
    says: /^the review has too many values$/,
    reason: 'no API server sends it',
  },
  'a list of maps outside of the objects': {
    body: beside(listOf('{"a":1}')),
    says: /^the review has too many keys$/,
    reason: 'each looks like an object to be reviewed',
  },
  'a list of empty maps without an end': {
    body: () => withArgs(listOf('{}'))().slice(0, MOST_BYTES),
    says: /JSON/,
    reason: 'no API server sends it',
  },
  'lists in lists without an end': {
    body: () => '['.repeat(MOST_BYTES),
    says: /JSON/,
    reason: 'no API server sends it',
  },
  ...Object.fromEntries(
    ['run.googleapis.com/', 'example.com/'].map((domain) => [
      `9,900 annotations ${domain}NAME`,
      {
        body: () =>
          sound.replaceAll(
            '"namespace":"demo"}',
            `"namespace":"demo","annotations":{${Array.from({ length: 9_900 }, (_, i) => `"${domain}k${i}":""`).join(',')}}}`,
          ),
        says: undefined,
        reason: 'nothing is known about them',
      },
    ]),
  ),
};
