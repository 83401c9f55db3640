import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

const testdata = new URL('../testdata/', import.meta.url);

/** PEM file of the authority that signed {@link startServer}'s certificate. */
export const CA_FILE = new URL('ca.pem', testdata).pathname;

export const INDEX_TYPE = 'application/vnd.oci.image.index.v1+json';
export const INDEX = JSON.stringify({ schemaVersion: 2, mediaType: INDEX_TYPE, manifests: [] });
export const INDEX_DIGEST = digestOf(INDEX);

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

export interface TestServer {
  /** `ADDRESS:PORT` */
  host: string;
  port: number;
  /** `METHOD PATH` of every request, in order. */
  requests: string[];
  [Symbol.asyncDispose](): Promise<void>;
}

/** A server on loopback; one with `tls` has a certificate for `localhost` and 127.0.0.1 only. */
export async function startServer(
  handler: Handler,
  { tls = false, address = '127.0.0.1' }: { tls?: boolean; address?: string } = {},
): Promise<TestServer> {
  const requests: string[] = [];
  const listener: Handler = (request, response) => {
    requests.push(`${request.method} ${request.url}`);
    handler(request, response);
  };
  const server = tls ? createTlsServer(certificate(), listener) : createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  const { port } = server.address() as AddressInfo;
  return {
    host: `${address}:${port}`,
    port,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Answers a manifest request as a registry that holds one image. */
export function serveIndex(request: IncomingMessage, response: ServerResponse): void {
  const body = request.method === 'HEAD' ? undefined : INDEX;
  const headers = { 'content-type': INDEX_TYPE, 'docker-content-digest': INDEX_DIGEST };
  response.writeHead(200, headers).end(body);
}

/** Answers with an error as the distribution specification writes it. */
export function serveError(response: ServerResponse, status: number, code: string, headers = {}): void {
  response
    .writeHead(status, { 'content-type': 'application/json', ...headers })
    .end(JSON.stringify({ errors: [{ code, message: code.toLowerCase().replaceAll('_', ' ') }] }));
}

export function digestOf(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}

/** A secret of type kubernetes.io/dockerconfigjson, as the API gives it. */
export function pullSecret(name: string, auths: Record<string, object>) {
  const config = Buffer.from(JSON.stringify({ auths })).toString('base64');
  return { name, type: 'kubernetes.io/dockerconfigjson', data: { '.dockerconfigjson': config } };
}

function certificate() {
  return {
    cert: readFileSync(new URL('server.pem', testdata)),
    key: readFileSync(new URL('server.key', testdata)),
  };
}
