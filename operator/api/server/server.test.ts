import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { once } from 'node:events';
import { connect as http2Connect } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { type TLSSocket, connect as tlsConnect } from 'node:tls';
import { parseConfig } from '../../config.ts';
import type { KubeObject } from '../../kube/types.ts';
import { serverCertificate, testAuthority } from '../../testing/serverCertificate.ts';
import { silent } from '../../testing/until.ts';
import type { ApiContext } from '../context.ts';
import { ApiError } from '../errors.ts';
import { PARTS } from '../parts.ts';
import type { Resources } from '../resources/resources.ts';
import { createApp, type RestApp } from './app.ts';
import { type Listener, startListener } from './listener.ts';

const HOST = 'local-run.googleapis.com';
const PATH = '/apis/serving.knative.dev/v1/namespaces/demo/services';
const PERSON = { name: 'ada', groups: [] };
const SERVICE = { apiVersion: 'serving.knative.dev/v1', kind: 'Service', metadata: { name: 'a' } };

/** What was written, in a namespace that takes everything. */
let written: unknown[] = [];
const resources: Resources = {
  namespace: 'demo',
  person: PERSON,
  get: async (_type, name) => ({ ...SERVICE, metadata: { name } }) as never,
  list: async () => ({ items: [] }),
  create: async (_type, object) => {
    written.push(object);
    return object as never;
  },
  replace: async (_type, object) => {
    written.push(object);
    return object as never;
  },
  delete: async () => {},
};

const context: ApiContext = {
  config: parseConfig({ metadata: { region: 'local' } }),
  client: {} as ApiContext['client'],
  authentication: {
    personOf: async (header) => {
      if (header === 'Bearer a') return PERSON;
      throw new ApiError('UNAUTHENTICATED', 'who is it?');
    },
  },
  clientOf: () => ({}) as ApiContext['client'],
  resourcesOf: () => resources,
  projects: { of: async (id) => ({ id, number: '1' }) },
  verbs: {},
  log: silent,
  now: Date.now,
};

describe('the server of the Admin API', () => {
  // Certificates are made.
  let app: RestApp;
  let listener: Listener;
  let plain: Listener;
  let ca: string;

  before(async () => {
    app = await createApp(context, PARTS);
    const rest = app.answer;
    const options = { port: 0, host: '127.0.0.1', rest };
    const grpc = (_request: unknown, response: { end(text: string): unknown }) => response.end('grpc');
    listener = await startListener({ ...options, plainHttp: false, grpc });
    plain = await startListener({ ...options, plainHttp: true });
    listener.serve(await serverCertificate(['*.googleapis.com', '127.0.0.1']));
    ca = await testAuthority();
  });
  after(async () => {
    await Promise.all([listener?.close(0), plain?.close(0)]);
    await app?.close();
  });
  beforeEach(() => {
    written = [];
  });

  const secure = (socket?: Socket): Promise<TLSSocket> => {
    const options = { ca, servername: HOST, ALPNProtocols: ['http/1.1'] };
    const to = socket ? { socket } : { host: '127.0.0.1', port: listener.port };
    const connected = tlsConnect({ ...options, ...to });
    return once(connected, 'secureConnect').then(() => connected);
  };

  /** What arrives until the other side closes or resets the connection. */
  async function* chunksOf(socket: Socket): AsyncGenerator<Buffer> {
    try {
      yield* socket;
    } catch (error) {
      equal((error as { code?: string }).code, 'ECONNRESET');
    }
  }

  /** Sends bytes and gives all that comes back until the other side closes or answers in full. */
  async function exchange(socket: Socket, bytes: string | Buffer): Promise<string> {
    let text = '';
    socket.on('error', () => {});
    socket.write(bytes);
    for await (const chunk of chunksOf(socket)) {
      text += chunk;
      const [, length] = /content-length: (\d+)/i.exec(text) ?? [];
      const end = text.indexOf('\r\n\r\n');
      if (end >= 0 && length !== undefined && text.length >= end + 4 + Number(length)) break;
    }
    socket.destroy();
    return text;
  }

  const head = (line: string, ...fields: string[]) =>
    [`${line} HTTP/1.1`, `host: ${HOST}`, 'authorization: Bearer a', ...fields, '', ''].join('\r\n');
  const post = (body: string, ...fields: string[]) =>
    head(
      `POST ${PATH}`,
      'content-type: application/json',
      `content-length: ${Buffer.byteLength(body)}`,
      ...fields,
    ) + body;

  it('answers over HTTP/1.1 and HTTP/2 with TLS', async () => {
    match(await exchange(await secure(), head(`GET ${PATH}`)), /^HTTP\/1.1 200 [\s\S]*"kind":"ServiceList"/);
    const session = http2Connect(`https://${HOST}`, {
      createConnection: () =>
        tlsConnect({ ca, servername: HOST, ALPNProtocols: ['h2'], host: '127.0.0.1', port: listener.port }),
    });
    const ask = async (fields: object) => {
      const stream = session.request({ ':path': PATH, authorization: 'Bearer a', ...fields });
      let text = '';
      for await (const chunk of stream) text += chunk;
      return text;
    };
    match(await ask({}), /"kind":"ServiceList"/);
    equal(await ask({ ':method': 'POST', 'content-type': 'application/grpc' }), 'grpc');
    session.close();
  });

  it('is the HTTP proxy of a client, for whatever host', async () => {
    const socket = connect(listener.port, '127.0.0.1');
    socket.write(`CONNECT ${HOST}:443 HTTP/1.1\r\nhost: ${HOST}:443\r\n\r\n`);
    const [established] = await once(socket, 'data');
    match(String(established), /^HTTP\/1.1 200 /);
    match(await exchange(await secure(socket), head(`GET ${PATH}`)), /^HTTP\/1.1 200 /);
  });

  it('takes requests in absolute form', async () => {
    match(await exchange(await secure(), head(`GET https://${HOST}${PATH}`)), /^HTTP\/1.1 200 /);
    const other = head(`GET https://elsewhere-run.googleapis.com${PATH}`);
    match(await exchange(await secure(), other), /^HTTP\/1.1 400 /, 'its host counts, and not the header');
  });

  it('answers requests without TLS only where that is wanted', async () => {
    const ask = (port: number) => exchange(connect(port, '127.0.0.1'), head(`GET http://${HOST}${PATH}`));
    match(await ask(listener.port), /^HTTP\/1.1 400 [\s\S]*speaks HTTPS/);
    match(await ask(plain.port), /^HTTP\/1.1 200 /);
  });

  it('asks everyone who they are, for whatever path', async () => {
    for (const path of [PATH, '/', '/v1/nothing']) {
      const answer = await exchange(await secure(), head(`GET ${path}`).replace('Bearer a', 'Bearer b'));
      match(answer, /^HTTP\/1.1 401 [\s\S]*www-authenticate: Bearer[\s\S]*"status":"UNAUTHENTICATED"/);
    }
  });

  const hostile: Record<string, { reason: string; bytes: string | Buffer; want?: RegExp }> = {
    'two lengths': {
      reason: 'RFC 9112, 6.3',
      bytes: head(`POST ${PATH}`, 'content-length: 2', 'content-length: 3').concat('{}x'),
    },
    'a length and chunks': {
      reason: 'RFC 9112, 6.1',
      bytes: head(`POST ${PATH}`, 'content-length: 2', 'transfer-encoding: chunked').concat('0\r\n\r\n'),
    },
    'a header with a bare line feed': { reason: 'RFC 9112, 2.2', bytes: head(`GET ${PATH}`, 'a: b\nc: d') },
    'a space before the colon': { reason: 'RFC 9112, 5.1', bytes: head(`GET ${PATH}`, 'x : y') },
    'a token of 100 kB': {
      reason: 'headers are bounded; the answer is lost where the client still sends',
      bytes: head(`GET ${PATH}`, `x: ${'a'.repeat(100_000)}`),
      want: /^(HTTP\/1.1 431 |$)/,
    },
    'a body of 32 MB': {
      reason: 'bodies are bounded',
      bytes: head(`POST ${PATH}`, 'content-type: application/json', `content-length: ${32 << 20}`),
    },
    'a path that is escaped wrongly': { reason: 'RFC 3986, 2.1', bytes: head(`GET ${PATH}/%zz`) },
    'a repeated key': { reason: 'JSON smuggling', bytes: post('{"kind":"Service","kind":"Job"}') },
    NaN: { reason: 'it is no JSON', bytes: post('{"a":NaN}') },
    'deep nesting': { reason: 'nothing is so deep', bytes: post('['.repeat(100_000) + ']'.repeat(100_000)) },
    'no body': { reason: 'an object is needed', bytes: post('') },
    'a list': { reason: 'an object is needed', bytes: post('[]') },
    null: { reason: 'an object is needed', bytes: post('null') },
    'metadata that is a text': { reason: 'an object is needed', bytes: post('{"metadata":"a"}') },
    'a form': {
      reason: 'browsers send these without asking',
      bytes: post('a=b').replace('application/json', 'text/plain'),
    },
    'another kind': {
      reason: 'it contradicts the path',
      bytes: post(JSON.stringify({ ...SERVICE, kind: 'Job' })),
    },
    'another project': {
      reason: 'it contradicts the path',
      bytes: post(JSON.stringify({ ...SERVICE, metadata: { name: 'a', namespace: 'other' } })),
      want: /^HTTP\/1.1 400 [\s\S]*"field":"metadata.namespace"/,
    },
    'another region': {
      reason: 'the host names it',
      bytes: post(JSON.stringify(SERVICE)).replace(HOST, 'europe-west1-run.googleapis.com'),
      want: /^HTTP\/1.1 400 [\s\S]*"field":"location"/,
    },
  };
  for (const [name, { reason, bytes, want = /^HTTP\/1.1 400 / }] of Object.entries(hostile)) {
    it(`refuses ${name} (${reason}) and changes nothing`, async () => {
      match(await exchange(await secure(), bytes), want);
      deepEqual(written, []);
    });
  }

  it('does not end with a client that goes away, or that speaks no TLS', async () => {
    for (const bytes of [
      '\x16\x03\x01',
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nxxxxxxxxx',
      '\0\0\0',
      post('{').slice(0, -1),
    ]) {
      const socket = connect(listener.port, '127.0.0.1');
      socket.on('error', () => {});
      socket.write(bytes, 'latin1', () => socket.resetAndDestroy());
      await once(socket, 'close');
    }
    const made = await exchange(await secure(), post(JSON.stringify(SERVICE)));
    match(made, /^HTTP\/1.1 200 /);
    deepEqual((written[0] as KubeObject).metadata.name, 'a');
  });

  it('drains: answers what it has and closes', async () => {
    const own = await createApp(context, PARTS);
    const ending = await startListener({ port: 0, host: '127.0.0.1', rest: own.answer, plainHttp: true });
    own.drain();
    const answer = await exchange(connect(ending.port, '127.0.0.1'), head(`GET ${PATH}`));
    match(answer, /connection: close/i);
    const begin = performance.now();
    await ending.close(50_000);
    ok(performance.now() - begin < 30_000, 'nothing is waited for');
    await own.close();
  });
});
