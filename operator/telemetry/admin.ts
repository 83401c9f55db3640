import type { IncomingMessage, ServerResponse } from 'node:http';
import { createHttpServer } from '../builtins.ts';
import { registry } from './metrics.ts';

export interface AdminOptions {
  port: number;
  /** Why the process cannot do its work yet or any more; undefined when it can. */
  unready: () => string | undefined;
  /** Why only a restart of the process can help; undefined when it lives. A role without it lives while it answers. */
  dead?: () => string | undefined;
  /** More pages than those of every role: path -> what it answers, as JSON. */
  pages?: Readonly<Record<string, () => unknown>>;
  /** What a role accepts by POST: path -> who may do so and what it answers, as JSON. */
  posts?: Readonly<Record<string, Post>>;
}

export interface Post {
  /** @param address of the client, IPv4 as such. */
  allows: (address: string) => boolean;
  /** @throws {Error} for a body that is not as it must be: 400 with its message. */
  answer: (body: unknown, address: string) => unknown;
  /** Longest body; {@link MAX_BODY_BYTES} when left out. */
  maxBytes?: number;
}

const MAX_BODY_BYTES = 16 * 1024 * 1024;

export interface Admin {
  /** Takes no more connections, and ends those that carry nothing. */
  close(): void;
}

type Page = (response: ServerResponse) => void | Promise<void>;

/**
 * The port that the kubelet, Prometheus and the autoscaler ask: /healthz, /readyz and /metrics, and what a role adds.
 * On node:http, because fastify with its validators is a tenth of an idle gateway's memory and fixed pages use none of
 * it.
 */
export async function startAdmin({
  port,
  unready,
  dead = () => undefined,
  pages = {},
  posts = {},
}: AdminOptions): Promise<Admin> {
  const all = new Map<string, Page>([
    ['/healthz', (response) => check(response, dead())],
    ['/readyz', (response) => check(response, unready())],
    ['/metrics', async (response) => send(response, 200, registry.contentType, await registry.metrics())],
  ]);
  for (const [path, page] of Object.entries(pages)) {
    all.set(path, (response) => send(response, 200, 'application/json', JSON.stringify(page())));
  }
  const server = createHttpServer((request, response) => {
    const [path = ''] = (request.url ?? '').split('?', 1);
    if (request.method === 'POST' && Object.hasOwn(posts, path))
      void take(posts[path] as Post, request, response);
    else void answer(all, request, response);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    // On all addresses, of both families where the node has both.
    server.listen({ port }, resolve);
  });
  return {
    close() {
      server.close();
      server.closeIdleConnections();
    },
  };
}

/** Answers a request; never rejects. */
async function answer(
  pages: ReadonlyMap<string, Page>,
  { method, url = '' }: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [path = ''] = url.split('?', 1);
  const page = method === 'GET' ? pages.get(path) : undefined;
  try {
    if (page) await page(response);
    else send(response, 404, 'text/plain', 'not found\n');
  } catch (error) {
    if (response.headersSent) response.destroy();
    else send(response, 500, 'text/plain', `${(error as Error).message}\n`);
  }
}

/** @param why what is wrong, if anything is. */
function check(response: ServerResponse, why: string | undefined): void {
  send(response, why === undefined ? 200 : 503, 'text/plain', `${why ?? 'ok'}\n`);
}

async function take(post: Post, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const address = (request.socket.remoteAddress ?? '').replace(/^::ffff:/, '');
  if (!post.allows(address)) {
    send(response, 403, 'text/plain', 'this address may not say so\n');
    return;
  }
  try {
    const answer = await post.answer(JSON.parse(await readText(request, post.maxBytes)), address);
    send(response, 200, 'application/json', JSON.stringify(answer));
  } catch (error) {
    send(response, 400, 'text/plain', `${(error as Error).message}\n`);
  }
}

async function readText(request: IncomingMessage, maxBytes = MAX_BODY_BYTES): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw new Error(`the body is longer than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) }).end(body);
}
