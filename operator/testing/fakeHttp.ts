import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { ResourceType } from '../kube/types.ts';
import { Rejection, type Stored } from './fakeRules.ts';

/** A certificate, its key, and the authority that issued it, in PEM. */
export interface ServerIdentity {
  cert: string;
  key: string;
  ca: string;
}

/** A server that listens on loopback, over TLS where it has an identity; port 0 finds a free one. */
export function listen(port: number, tls?: ServerIdentity): Promise<Server> {
  // An idle connection is kept as long as by the API server (k8s.io/apiserver, secure_serving.go).
  const options = { keepAliveTimeout: 90_000 };
  const server = tls ? createTlsServer({ ...options, cert: tls.cert, key: tls.key }) : createServer(options);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}

/** @throws {Rejection} 400 for a body that is not JSON. */
export async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  if (chunks.length === 0) return undefined;
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch (error) {
    throw new Rejection(400, 'BadRequest', (error as Error).message);
  }
}

export function reply(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
  response.writeHead(status, headers).end(text);
}

/** Answers with a Status; any error but a {@link Rejection} is a bug in the fake server and gives 500. */
export function reject(response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const rejection = error instanceof Rejection ? error : new Rejection(500, 'InternalError', String(error));
  if (rejection.retryAfterSeconds !== undefined)
    response.setHeader('retry-after', rejection.retryAfterSeconds);
  reply(response, rejection.status, statusOf(rejection));
}

export function statusOf({ status, reason, message }: Rejection): unknown {
  return { apiVersion: 'v1', kind: 'Status', metadata: {}, status: 'Failure', code: status, reason, message };
}

/** RFC 7396. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const base = typeof target === 'object' && target !== null && !Array.isArray(target) ? target : {};
  const merged: Record<string, unknown> = { ...base };
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name];
    else merged[name] = mergePatch(merged[name], value);
  }
  return merged;
}

/** @throws {Rejection} 400 when an object is not what its path says. */
export function checkBody(
  { type, namespace, name }: { type: ResourceType; namespace?: string; name?: string },
  body: Stored,
): void {
  const wrong = (what: string) => new Rejection(400, 'BadRequest', `${what} does not match the request`);
  if (body?.apiVersion !== type.apiVersion || body.kind !== type.kind) throw wrong('the kind in the data');
  if (body.metadata?.namespace && namespace && body.metadata.namespace !== namespace)
    throw wrong('the namespace');
  if (name && body.metadata?.name && body.metadata.name !== name) throw wrong('the name');
}
