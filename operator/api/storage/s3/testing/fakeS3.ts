import { createHash, createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the fake does to a request instead of answering it; undefined for what it answers. */
export type Fault = (request: IncomingMessage, response: ServerResponse) => boolean;

/** A store that speaks what {@link S3Client} asks of S3, in memory, with the bucket in the path. */
export class FakeS3 implements AsyncDisposable {
  readonly bucket: string;
  readonly objects = new Map<string, { body: Buffer; modified: number }>();
  /** `METHOD KEY` of every request. */
  readonly requests: string[] = [];
  /** Objects of a page of a listing. */
  pageSize = 1000;
  fault: Fault = () => false;
  now: () => number = Date.now;
  /** The most that a request has sent. */
  largest = 0;
  readonly #server = createServer((request, response) => void this.#handle(request, response));

  private constructor(bucket: string) {
    this.bucket = bucket;
  }

  static async start(bucket = 'sources'): Promise<FakeS3> {
    const fake = new FakeS3(bucket);
    await new Promise<void>((resolve) => fake.#server.listen(0, '127.0.0.1', resolve));
    return fake;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '', 'http://s3');
    const [, bucket = '', ...rest] = url.pathname.split('/');
    const key = rest.join('/');
    this.requests.push(`${request.method} ${key}`);
    if (this.fault(request, response)) return;
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    this.largest = Math.max(this.largest, body.length);
    if (!isSigned(request, body)) return refuse(response, 403, 'SignatureDoesNotMatch');
    if (bucket !== this.bucket) return refuse(response, 404, 'NoSuchBucket');
    if (key === '') return this.#list(url.searchParams, response);
    this.#object(request.method ?? '', key, body, response);
  }

  #object(method: string, key: string, body: Buffer, response: ServerResponse): void {
    if (method === 'PUT') {
      this.objects.set(key, { body, modified: this.now() });
      return void response.writeHead(200).end();
    }
    if (method === 'DELETE') {
      this.objects.delete(key);
      return void response.writeHead(204).end();
    }
    const found = this.objects.get(key);
    if (!found) refuse(response, 404, 'NoSuchKey');
    else response.writeHead(200, { 'content-length': found.body.length }).end(found.body);
  }

  /** ListObjectsV2. */
  #list(query: URLSearchParams, response: ServerResponse): void {
    if (query.get('list-type') !== '2') {
      refuse(response, 400, 'InvalidArgument');
      return;
    }
    const prefix = query.get('prefix') ?? '';
    const after = query.get('continuation-token') ?? '';
    const keys = [...this.objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
    const page = keys.slice(0, this.pageSize);
    const folders = new Set(
      query.get('delimiter') ? page.map((key) => `${prefix}${key.slice(prefix.length).split('/')[0]}/`) : [],
    );
    const contents = query.get('delimiter') ? [] : page.map((key) => this.#listed(key));
    const prefixes = [...folders].map((each) => `<CommonPrefixes><Prefix>${each}</Prefix></CommonPrefixes>`);
    const next =
      keys.length > page.length ? `<NextContinuationToken>${page.at(-1)}</NextContinuationToken>` : '';
    const xml = `<?xml version="1.0"?><ListBucketResult><Name>${this.bucket}</Name>${contents.join('')}${prefixes.join('')}${next}</ListBucketResult>`;
    response.writeHead(200, { 'content-type': 'application/xml' }).end(xml);
  }

  #listed(key: string): string {
    const { body, modified } = this.objects.get(key) ?? { body: '', modified: 0 };
    const date = new Date(modified).toISOString();
    return `<Contents><Key>${key}</Key><LastModified>${date}</LastModified><Size>${body.length}</Size></Contents>`;
  }
}

/** Answers as stores answer an error. */
export function refuse(response: ServerResponse, status: number, code: string): void {
  const xml = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>no</Message></Error>`;
  response.writeHead(status, { 'content-type': 'application/xml' }).end(xml);
}

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=key\/(\d{8})\/local\/s3\/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$/;

/** Whether it is signed with the key `key`, the secret `secret` and the region `local` (Signature Version 4). */
function isSigned({ method = '', url = '', headers }: IncomingMessage, body: Buffer): boolean {
  const [, day = '', names = '', signature = ''] = AUTHORIZATION.exec(headers.authorization ?? '') ?? [];
  const hash = createHash('sha256').update(body).digest('hex');
  if (headers['x-amz-content-sha256'] !== hash) return false;
  const { pathname, searchParams } = new URL(url, 'http://s3');
  const query = [...searchParams].map((pair) => pair.map(encodeURIComponent).join('=')).sort();
  const signed = names.split(';').map((name) => `${name}:${headers[name]}\n`);
  const canonical = [method, pathname, query.join('&'), signed.join(''), names, hash].join('\n');
  const scope = `${day}/local/s3/aws4_request`;
  const digest = createHash('sha256').update(canonical).digest('hex');
  const text = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, digest].join('\n');
  const key = [day, 'local', 's3', 'aws4_request'].reduce<Buffer | string>(hmac, 'AWS4secret');
  return names.split(';').includes('host') && hmac(key, text).toString('hex') === signature;
}

function hmac(key: Buffer | string, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
