import { deepEqual, equal, match } from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseConfig } from '../../config.ts';
import { silent } from '../../testing/until.ts';
import type { ApiContext } from '../context.ts';
import { createApp, type RestApp } from '../server/app.ts';
import { type Listener, startListener } from '../server/listener.ts';
import { FileStore } from './fileStore.ts';
import { STORAGE } from './part.ts';

const BUCKET = 'run-sources-demo-local-cluster1';
const OBJECTS = `/storage/v1/b/${BUCKET}/o`;
const NAME = 'services/hello/1.tar.gz';

/** Verbs on objects in namespace demo, by person. */
const RIGHTS: Record<string, readonly string[]> = { ada: ['create', 'get', 'list', 'delete'], bob: [] };

describe('Cloud Storage for sources', () => {
  let root: string;
  let app: RestApp;
  let listener: Listener;

  const context = (objects: ApiContext['objects']) =>
    ({
      config: parseConfig({}),
      authentication: { personOf: async (header?: string) => ({ name: header?.slice(7) ?? '', groups: [] }) },
      clientOf: ({ name }: { name: string }) => ({
        request: async (
          _method: string,
          _path: string,
          { body }: { body: { spec: { resourceAttributes: Record<string, string> } } },
        ) => {
          const { namespace, group, verb = '' } = body.spec.resourceAttributes;
          const allowed =
            namespace === 'demo' && group === 'storage.googleapis.com' && RIGHTS[name]?.includes(verb);
          return { status: { allowed: allowed ?? false } };
        },
      }),
      projects: { of: async (id: string) => ({ id, number: '12' }) },
      objects,
      log: silent,
    }) as unknown as ApiContext;

  async function start(objects: ApiContext['objects']): Promise<void> {
    app = await createApp(context(objects), [STORAGE]);
    listener = await startListener({ port: 0, host: '127.0.0.1', plainHttp: true, rest: app.answer });
  }
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'storage-'));
    await start(new FileStore(root, { objectBytes: 8 << 20, bucketBytes: 16 << 20 }));
  });
  afterEach(async () => {
    await listener.close(0);
    await app.close();
    await rm(root, { recursive: true });
  });

  async function ask(
    method: string,
    path: string,
    { body, headers, person = 'ada' }: { body?: RequestInit['body']; headers?: object; person?: string } = {},
  ) {
    const response = await fetch(`http://127.0.0.1:${listener.port}${path}`, {
      method,
      headers: { authorization: `Bearer ${person}`, ...headers },
      redirect: 'manual',
      ...(body === undefined ? {} : { body, duplex: 'half' }),
    } as RequestInit);
    const text = await response.text();
    const json = response.headers.get('content-type')?.includes('json') ? JSON.parse(text) : undefined;
    return { status: response.status, headers: response.headers, text, json };
  }

  it('has one bucket for each project, which is there', async () => {
    const found = await ask('GET', `/storage/v1/b/${BUCKET}`);
    deepEqual([found.json.name, found.json.projectNumber], [BUCKET, '12']);
    const listed = await ask('GET', `/storage/v1/b?project=demo&prefix=${BUCKET}`);
    deepEqual(
      listed.json.items.map(({ id }: { id: string }) => id),
      [BUCKET],
    );
    equal((await ask('GET', '/storage/v1/b?project=demo&prefix=x')).json.items.length, 0);
    equal((await ask('GET', '/storage/v1/b/other')).status, 404);
    const json = { 'content-type': 'application/json' };
    const other = await ask('POST', '/storage/v1/b?project=demo', {
      body: '{"name":"other"}',
      headers: json,
    });
    match(other.json.error.message, /name: must be run-sources-demo-local-cluster1/);
    equal(
      (await ask('POST', '/storage/v1/b?project=demo', { body: `{"name":"${BUCKET}"}`, headers: json }))
        .status,
      409,
    );
  });

  it('takes an upload with its metadata, as gcloud sends it, and gives it back', async () => {
    const content = randomBytes(5000);
    const head = `--=1=\nContent-Type: application/json\nMIME-Version: 1.0\n\n{"size":"5000"}\n--=1=\nContent-Type: application/x-tar\n\n`;
    const body = Buffer.concat([Buffer.from(head), content, Buffer.from('\n--=1=--\n')]);
    const headers = { 'content-type': "multipart/related; boundary='=1='" };
    const made = await ask(
      'POST',
      `/upload${OBJECTS}?uploadType=multipart&name=${encodeURIComponent(NAME)}`,
      { body, headers },
    );
    equal(made.status, 200);
    const { name, bucket, size, generation, md5Hash, contentType } = made.json;
    deepEqual([name, bucket, size, contentType], [NAME, BUCKET, '5000', 'application/x-tar']);
    equal(md5Hash, createHash('md5').update(content).digest('base64'));
    const path = `${OBJECTS}/${encodeURIComponent(NAME)}`;
    deepEqual((await ask('GET', path)).json, made.json);
    const media = await fetch(
      `http://127.0.0.1:${listener.port}/download${path}?alt=media&generation=${generation}`,
      { headers: { authorization: 'Bearer ada' } },
    );
    deepEqual(Buffer.from(await media.arrayBuffer()), content);
    equal((await ask('GET', `${path}?generation=1`)).status, 404);
    equal((await ask('DELETE', path)).status, 204);
    equal((await ask('GET', path)).status, 404);
  });

  it('takes an upload in parts, as gcloud sends what is larger than 5 MiB', async () => {
    const content = randomBytes(6 << 20);
    const headers = {
      'content-type': 'application/json',
      'x-upload-content-type': 'application/zip',
      'x-upload-content-length': String(content.length),
    };
    const begun = await ask('POST', `/resumable/upload${OBJECTS}?uploadType=resumable&name=big.zip`, {
      body: '{}',
      headers,
    });
    const location = new URL(begun.headers.get('location') ?? '');
    equal(location.host, `127.0.0.1:${listener.port}`);
    const path = location.pathname + location.search;
    const part = (from: number, to: number) =>
      ask('PUT', path, {
        body: content.subarray(from, to),
        headers: { 'content-range': `bytes ${from}-${to - 1}/${content.length}` },
      });
    const first = await part(0, 4 << 20);
    deepEqual([first.status, first.headers.get('range')], [308, `bytes=0-${(4 << 20) - 1}`]);
    equal((await part(0, 10)).status, 400, 'a part that was there');
    const asked = await ask('PUT', path, { headers: { 'content-range': 'bytes */*' } });
    deepEqual([asked.status, asked.headers.get('range')], [308, `bytes=0-${(4 << 20) - 1}`]);
    const last = await part(4 << 20, content.length);
    deepEqual(
      [last.status, last.json.size, last.json.contentType],
      [200, String(content.length), 'application/zip'],
    );
    equal(last.json.md5Hash, createHash('md5').update(content).digest('base64'));
    equal((await part(0, 10)).status, 404, 'an upload that is over');
  });

  it('takes the content alone', async () => {
    const made = await ask('POST', `/upload${OBJECTS}?uploadType=media&name=x`, {
      body: 'abc',
      headers: { 'content-type': 'text/plain' },
    });
    deepEqual([made.json.size, made.json.contentType], ['3', 'text/plain']);
  });

  it('lists objects in pages', async () => {
    for (const name of ['a/1', 'a/2', 'a/3', 'b']) {
      await ask('POST', `/upload${OBJECTS}?uploadType=media&name=${encodeURIComponent(name)}`, {
        body: 'x',
        headers: { 'content-type': 'x/y' },
      });
    }
    const first = (await ask('GET', `${OBJECTS}?prefix=a/&maxResults=2`)).json;
    const second = (await ask('GET', `${OBJECTS}?prefix=a/&maxResults=2&pageToken=${first.nextPageToken}`))
      .json;
    deepEqual(
      [...first.items, ...second.items].map(({ name }) => name),
      ['a/1', 'a/2', 'a/3'],
    );
    equal(second.nextPageToken, undefined);
  });

  const denied: Record<string, { method: string; path: string; permission: string }> = {
    'reading the bucket': {
      method: 'GET',
      path: `/storage/v1/b/${BUCKET}`,
      permission: 'storage.buckets.get',
    },
    uploading: {
      method: 'POST',
      path: `/upload${OBJECTS}?uploadType=media&name=x`,
      permission: 'storage.objects.create',
    },
    'going on with an upload': {
      method: 'PUT',
      path: `/upload${OBJECTS}?upload_id=x`,
      permission: 'storage.objects.create',
    },
    listing: { method: 'GET', path: OBJECTS, permission: 'storage.objects.list' },
    downloading: { method: 'GET', path: `${OBJECTS}/x?alt=media`, permission: 'storage.objects.get' },
    deleting: { method: 'DELETE', path: `${OBJECTS}/x`, permission: 'storage.objects.delete' },
  };
  for (const [name, { method, path, permission }] of Object.entries(denied)) {
    it(`${name} takes ${permission} in the bucket's project`, async () => {
      const body = method === 'POST' ? { body: 'x', headers: { 'content-type': 'x/y' } } : {};
      for (const [person, where] of [
        ['bob', path],
        ['ada', path.replace('-demo-', '-other-')],
      ] as const) {
        const { status, json } = await ask(method, where, { person, ...body });
        equal(status, 403);
        match(json.error.message, new RegExp(`'${permission}' denied`));
      }
      deepEqual(await readdir(root), []);
    });
  }

  const refused: Record<string, { path: string; headers?: object; says: RegExp }> = {
    'no name': { path: '?uploadType=media', says: /name: is unset/ },
    'a name with a line break': { path: '?uploadType=media&name=a%0Ab', says: /no control characters/ },
    'a name of 2 kB': { path: `?uploadType=media&name=${'x'.repeat(2000)}`, says: /1 to 1024 bytes/ },
    'another kind of upload': { path: '?uploadType=x&name=a', says: /must be media, multipart or resumable/ },
    'a body that is not what it says': {
      path: '?uploadType=multipart&name=a',
      headers: { 'content-type': 'multipart/related; boundary=q' },
      says: /no multipart\/related/,
    },
  };
  for (const [name, { path, headers = { 'content-type': 'x/y' }, says }] of Object.entries(refused)) {
    it(`refuses ${name}`, async () => {
      const { status, json } = await ask('POST', `/upload${OBJECTS}${path}`, { body: 'x', headers });
      deepEqual([status, json.error.status], [400, 'INVALID_ARGUMENT']);
      match(json.error.message, says);
    });
  }

  it('refuses an object that is too large, whatever length it names', async () => {
    const stream = new ReadableStream({
      start(controller) {
        for (let i = 0; i < 9; i++) controller.enqueue(new Uint8Array(1 << 20));
        controller.close();
      },
    });
    const { status, json } = await ask('POST', `/upload${OBJECTS}?uploadType=media&name=a`, {
      body: stream,
      headers: { 'content-type': 'x/y' },
    });
    deepEqual([status, json.error.message], [429, 'An object may have 8 MiB; this one has more.']);
    deepEqual(await readdir(join(root, 'uploads')), []);
  });

  it('says in one sentence where nothing is kept', async () => {
    await listener.close(0);
    await app.close();
    await start(undefined);
    const paths = [`/storage/v1/b/${BUCKET}`, OBJECTS, `${OBJECTS}/x`];
    for (const path of paths) {
      const { status, json } = await ask('GET', path);
      deepEqual([status, json.error.status], [400, 'FAILED_PRECONDITION']);
      match(
        json.error.message,
        /^This cluster keeps no sources: install Homerun with api.storage.enabled=true/,
      );
    }
    equal(
      (
        await ask('POST', `/upload${OBJECTS}?uploadType=media&name=a`, {
          body: 'x',
          headers: { 'content-type': 'x/y' },
        })
      ).status,
      400,
    );
  });
});
