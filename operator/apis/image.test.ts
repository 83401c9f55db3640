import assert from 'node:assert/strict';
import fc from 'fast-check';
import { formatImage, ImageError, type ImageReference, parseImage } from './image.ts';

const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`;

const VALID: Record<string, { image: ImageReference; reason: string }> = {
  nginx: {
    image: { registry: 'docker.io', repository: 'library/nginx' },
    reason: 'a bare name is an official image',
  },
  'nginx:1.27': {
    image: { registry: 'docker.io', repository: 'library/nginx', tag: '1.27' },
    reason: 'with a tag',
  },
  'bitnami/redis': {
    image: { registry: 'docker.io', repository: 'bitnami/redis' },
    reason: 'a word without a dot is a path',
  },
  'docker.io/nginx': {
    image: { registry: 'docker.io', repository: 'library/nginx' },
    reason: 'the same, in full',
  },
  'index.docker.io/a/b': {
    image: { registry: 'docker.io', repository: 'a/b' },
    reason: 'the old name of docker.io',
  },
  'gcr.io/p/app:latest': {
    image: { registry: 'gcr.io', repository: 'p/app', tag: 'latest' },
    reason: 'a host has a dot',
  },
  'localhost/app': { image: { registry: 'localhost', repository: 'app' }, reason: 'localhost is a host' },
  'registry:5000/app': {
    image: { registry: 'registry:5000', repository: 'app' },
    reason: 'a host has a port',
  },
  'registry:5000/a/b:v1': {
    image: { registry: 'registry:5000', repository: 'a/b', tag: 'v1' },
    reason: 'the port is not the tag',
  },
  '[::1]:5000/app': { image: { registry: '[::1]:5000', repository: 'app' }, reason: 'an IPv6 address' },
  'EU-docker.pkg.dev/p/r/i': {
    image: { registry: 'EU-docker.pkg.dev', repository: 'p/r/i' },
    reason: 'hosts may be upper case',
  },
  [`app@${DIGEST}`]: {
    image: { registry: 'docker.io', repository: 'library/app', digest: DIGEST },
    reason: 'by digest',
  },
  [`ghcr.io/a/b:v1@${DIGEST}`]: {
    image: { registry: 'ghcr.io', repository: 'a/b', tag: 'v1', digest: DIGEST },
    reason: 'tag and digest',
  },
  'a/b__c.d-e--f:T_1.x-y': {
    image: { registry: 'docker.io', repository: 'a/b__c.d-e--f', tag: 'T_1.x-y' },
    reason: 'the separators that the grammar knows',
  },
};

const INVALID: Record<string, { message: RegExp; reason: string }> = {
  '': { message: /names no repository/, reason: 'nothing' },
  'gcr.io/': { message: /names no repository/, reason: 'only a host' },
  IMAGE_URL: { message: /"IMAGE_URL" looks like a placeholder/, reason: 'a placeholder left as it was' },
  'gcr.io/PROJECT_ID/app': {
    message: /"PROJECT_ID" looks like a placeholder/,
    reason: 'a placeholder left as it was',
  },
  '${REGION}-docker.pkg.dev/p/app': { message: /is not a host name/, reason: 'a variable left as it was' },
  'a//b': { message: /path "a\/\/b"/, reason: 'an empty part' },
  'a/b_': { message: /path/, reason: 'a separator at the end' },
  'a/b..c': { message: /path/, reason: 'two dots' },
  'a/b:': { message: /tag ""/, reason: 'an empty tag' },
  'a/b:v 1': { message: /tag "v 1"/, reason: 'a blank in the tag' },
  [`a/b:${'x'.repeat(129)}`]: { message: /1 to 128/, reason: 'a tag that is too long' },
  'a/b@sha256:abc': { message: /digest "sha256:abc"/, reason: 'a short digest' },
  'a/b@': { message: /digest ""/, reason: 'an empty digest' },
  'https://gcr.io/a/b': { message: /image "https:\/\/gcr.io\/a\/b"/, reason: 'a URL' },
  [`a/${'b'.repeat(255)}`]: { message: /255/, reason: 'a name that is too long' },
  'host:port/app': { message: /is not a host name/, reason: 'a port that is no number' },
};

describe('image', () => {
  for (const [text, { image, reason }] of Object.entries(VALID)) {
    it(`parses ${text.slice(0, 40)}: ${reason}`, () => assert.deepEqual(parseImage(text), image));
  }

  for (const [text, { message, reason }] of Object.entries(INVALID)) {
    it(`rejects ${JSON.stringify(text.slice(0, 40))}: ${reason}`, () => {
      assert.throws(
        () => parseImage(text),
        (error) => {
          assert.ok(error instanceof ImageError);
          assert.equal(error.code, 'IMAGE_INVALID');
          assert.match(error.message, message);
          return true;
        },
      );
    });
  }

  it('parses its own output to the same parts', () => {
    for (const { image } of Object.values(VALID)) assert.deepEqual(parseImage(formatImage(image)), image);
  });

  it('either parses a text or says ImageError', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[a-zA-Z0-9./:@_-]{0,40}$/)), (text) => {
        try {
          const image = parseImage(text);
          assert.deepEqual(parseImage(formatImage(image)), image);
        } catch (error) {
          assert.ok(error instanceof ImageError, String(error));
        }
      }),
    );
  });
});
