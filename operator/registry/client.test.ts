import { equal, ok, rejects } from 'node:assert/strict';
import { type Asking, ask } from './testing/ask.ts';
import {
  digestOf,
  type Handler,
  INDEX,
  INDEX_DIGEST,
  INDEX_TYPE,
  serveError,
  serveIndex,
} from './testing/registry.ts';

describe('RegistryClient: the manifest', () => {
  it('takes the digest from HEAD alone', async () => {
    const { digest, requests } = await ask({ handler: serveIndex, tag: 'v1' });
    equal(digest, INDEX_DIGEST);
    equal(requests.join(), 'HEAD /v2/team/app/manifests/v1');
  });

  it('asks for latest when there is no tag', async () => {
    const { requests } = await ask({ handler: serveIndex });
    equal(requests.join(), 'HEAD /v2/team/app/manifests/latest');
  });

  it('accepts indexes and single manifests of both kinds', async () => {
    let accept = '';
    await ask({
      handler: (request, response) => {
        accept = request.headers.accept ?? '';
        serveIndex(request, response);
      },
    });
    for (const type of [
      'oci.image.index.v1',
      'oci.image.manifest.v1',
      'manifest.list.v2',
      'distribution.manifest.v2',
    ])
      ok(accept.includes(type), `${type} is asked for`);
  });

  it('hashes the manifest when HEAD names no digest', async () => {
    const { digest, requests } = await ask({
      handler: (_, response) => response.writeHead(200, { 'content-type': INDEX_TYPE }).end(INDEX),
    });
    equal(digest, INDEX_DIGEST);
    equal(requests.length, 2);
  });

  it('uses GET where HEAD is not known', async () => {
    const { digest } = await ask({
      handler: (request, response) =>
        request.method === 'HEAD' ? response.writeHead(405).end() : serveIndex(request, response),
    });
    equal(digest, INDEX_DIGEST);
  });

  it('keeps the named digest of a signed schema 1 manifest, which has another hash', async () => {
    const named = digestOf('unsigned part');
    const { digest } = await ask({
      handler: (request, response) => {
        if (request.method === 'HEAD') return response.writeHead(405).end();
        const type = 'application/vnd.docker.distribution.manifest.v1+prettyjws';
        response.writeHead(200, { 'content-type': type, 'docker-content-digest': named });
        response.end(JSON.stringify({ schemaVersion: 1, signatures: [] }));
      },
    });
    equal(digest, named);
  });
});

describe('RegistryClient: failures', () => {
  it('says that an image is not found, in the words of the registry', async () => {
    const asking: Asking = {
      handler: (_, response) => serveError(response, 404, 'MANIFEST_UNKNOWN'),
      tag: 'v9',
    };
    await rejects(ask(asking), {
      code: 'IMAGE_NOT_FOUND',
      message:
        /^Image '127\.0\.0\.1:\d+\/team\/app:v9' not found: 127\.0\.0\.1:\d+ answered 404 \(MANIFEST_UNKNOWN: manifest unknown\)\.$/,
    });
  });

  it('ends at the deadline when the registry does not answer', async () => {
    await rejects(ask({ handler: () => {}, timeoutMs: 100 }), {
      code: 'REGISTRY_TIMEOUT',
      message: /did not answer within 0\.1 s\.$/,
    });
  });

  it('ends at the deadline when the manifest never ends', async () => {
    const asking: Asking = {
      timeoutMs: 200,
      handler: (request, response) => {
        response.writeHead(200, { 'content-type': INDEX_TYPE });
        if (request.method === 'HEAD') response.end();
        else response.write('{');
      },
    };
    await rejects(ask(asking), { code: 'REGISTRY_TIMEOUT' });
  });

  it('says how long the registry wants to be left alone', async () => {
    const asking: Asking = {
      handler: (_, response) => response.writeHead(429, { 'retry-after': '30' }).end(),
    };
    await rejects(ask(asking), { code: 'REGISTRY_ANSWER', retryAfterMs: 30_000, message: /answered 429\.$/ });
  });

  const answers: Record<string, { reason: string; handler: Handler; want: RegExp }> = {
    'server error': {
      reason: 'the registry itself is broken',
      handler: (_, response) => serveError(response, 500, 'UNKNOWN'),
      want: /answered 500 \(UNKNOWN: unknown\)\.$/,
    },
    'no manifest': {
      reason: 'a sign-in page answers every path with 200',
      handler: (_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
      want: /answered with text\/html that is no image manifest\.$/,
    },
    'wrong digest': {
      reason: 'a digest that does not fit the bytes must not be started',
      handler: (request, response) => {
        if (request.method === 'HEAD') return response.writeHead(405).end();
        response.writeHead(200, { 'docker-content-digest': digestOf('other') }).end(INDEX);
      },
      want: /names digest sha256:\w+, but the manifest has sha256:\w+\.$/,
    },
    'endless manifest': {
      reason: 'a manifest has 4 MiB at most',
      handler: (request, response) => {
        response.writeHead(200, { 'content-type': INDEX_TYPE });
        response.end(request.method === 'HEAD' ? undefined : Buffer.alloc(5 * 1024 * 1024, ' '));
      },
      want: /the manifest is too large/,
    },
    'schema 1 without a digest': {
      reason: 'nothing but the registry can tell its digest',
      handler: (request, response) => {
        response.writeHead(200, { 'content-type': 'application/vnd.docker.distribution.manifest.v1+json' });
        response.end(request.method === 'HEAD' ? undefined : JSON.stringify({ schemaVersion: 1 }));
      },
      want: /schema 1 manifest without a digest/,
    },
  };
  for (const [name, { reason, handler, want }] of Object.entries(answers)) {
    it(name, async () => {
      await rejects(ask({ handler }), { code: 'REGISTRY_ANSWER', message: want }, reason);
    });
  }
});
