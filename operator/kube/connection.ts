import { readFileSync } from 'node:fs';
import type { RequestOptions } from 'node:https';
import { isIPv6 } from 'node:net';
import { join } from 'node:path';
import type { Dispatcher } from 'undici';
// The whole of undici, with fetch, caches and mocks, is 3 MB for each process; these are the parts that are used.
import Agent from 'undici/lib/dispatcher/agent.js';

/** A header with several values is sent once for each. */
export type RequestHeaders = Record<string, string | string[]>;

/** How to reach one API server as one identity. */
export interface Connection {
  /** Origin and path prefix, without a slash at the end: `https://10.96.0.1:443`. */
  readonly server: string;
  /** Holds the connections; it may change when client certificates rotate, so read it for each request. */
  readonly dispatcher: Dispatcher;
  /** Headers that authenticate a request made now. */
  headers(): Promise<RequestHeaders> | RequestHeaders;
  /** Takes what the server warns of, each as its header `Warning` came, in bytes (Kubernetes, API response warnings). */
  warn?(warning: string): void;
}

export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
  readonly code = 'KUBE_CONNECTION';
}

export interface TlsOptions {
  ca?: string | Buffer;
  cert?: string | Buffer;
  key?: string | Buffer;
  servername?: string;
  rejectUnauthorized?: boolean;
}

const POOL_OPTIONS = {
  // All watches would share one TCP connection, and with it one flow-control window and one loss.
  allowH2: false,
  maxResponseSize: -1,
  // The API server closes idle connections after 90 s; ours must be the shorter.
  keepAliveTimeout: 30_000,
  keepAliveMaxTimeout: 30_000,
};

/** A pool of HTTP/1.1 connections to an API server. */
export function apiAgent(tls: TlsOptions): Dispatcher {
  const connect = { ...tls, timeout: 5_000, keepAlive: true, keepAliveInitialDelay: 30_000 };
  return new Agent({ ...POOL_OPTIONS, connect });
}

/** What makes such pools; through the HTTP proxy at the URL `proxy` where a kubeconfig names one. */
async function agentMaker(proxy: string | undefined): Promise<(tls: TlsOptions) => Dispatcher> {
  if (!proxy) return apiAgent;
  const { ProxyAgent } = await import('undici');
  return (tls) => new ProxyAgent({ ...POOL_OPTIONS, uri: proxy, requestTls: tls });
}

/**
 * The connection of a pod with its service account.
 * @param options.tokenLifeMs after which token and authority are read again; kubelet renews a token when a fifth of an
 * hour is left.
 * @throws {ConnectionError} outside a pod, or in one without a token.
 */
export function inClusterConnection({
  env = process.env as Record<string, string | undefined>,
  directory = '/var/run/secrets/kubernetes.io/serviceaccount',
  tokenLifeMs = 60_000,
} = {}): Connection {
  const host = env.KUBERNETES_SERVICE_HOST;
  const port = env.KUBERNETES_SERVICE_PORT;
  if (!host || !port) throw new ConnectionError('not in a cluster: KUBERNETES_SERVICE_HOST is not set');
  const read = (name: string): string => {
    try {
      return readFileSync(join(directory, name), 'utf8').trim();
    } catch (cause) {
      throw new ConnectionError(`cannot read the service account's ${name}`, { cause });
    }
  };
  let ca = read('ca.crt');
  let token = read('token');
  let readAt = performance.now();
  let dispatcher = apiAgent({ ca });
  const renew = () => {
    token = read('token');
    readAt = performance.now();
    const present = read('ca.crt');
    if (present === ca) return;
    // The cluster changes its authority: running requests end on the old connections, new ones use the new.
    ca = present;
    retire(dispatcher);
    dispatcher = apiAgent({ ca });
  };
  return {
    server: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`,
    get dispatcher() {
      return dispatcher;
    },
    headers() {
      if (performance.now() - readAt >= tokenLifeMs) renew();
      return { authorization: `Bearer ${token}` };
    },
  };
}

/**
 * The connection that a kubeconfig describes: token, client certificate, exec plugin, OIDC, HTTP proxy.
 * Without `file`: $KUBECONFIG, else ~/.kube/config.
 * @param options.credentialsLifeMs after which files and plugins are asked again; 5 s when left out.
 * @throws {ConnectionError} when there is no such file or context.
 */
export async function kubeConfigConnection(
  options: { file?: string; context?: string; credentialsLifeMs?: number } = {},
): Promise<Connection> {
  const { credentialsLifeMs = 5_000 } = options;
  const { config, cluster } = await readKubeConfig(options);
  const load = async () => {
    const request: RequestOptions = { headers: {} };
    await config.applyToHTTPSOptions(request);
    const headers = { ...request.headers } as Record<string, string>;
    if (request.auth) headers.authorization = `Basic ${Buffer.from(request.auth).toString('base64')}`;
    const { ca, cert, key, servername, rejectUnauthorized } = request as TlsOptions;
    return { headers, tls: { ca, cert, key, servername, rejectUnauthorized }, at: performance.now() };
  };
  let current = await load();
  const agent = await agentMaker(cluster.proxyUrl);
  let dispatcher = agent(current.tls);
  return {
    server: cluster.server.replace(/\/+$/, ''),
    get dispatcher() {
      return dispatcher;
    },
    async headers() {
      if (performance.now() - current.at < credentialsLifeMs) return current.headers;
      const next = await load();
      if (!sameTls(current.tls, next.tls)) {
        // Certificates rotated: running requests end on the old connections, new ones use the new.
        retire(dispatcher);
        dispatcher = agent(next.tls);
      }
      current = next;
      return current.headers;
    },
  };
}

/**
 * The connection of this process: as $KUBECONFIG says, else as the pod's service account, else as ~/.kube/config says.
 * Only a kubeconfig needs the client library.
 * @throws {ConnectionError} when there is none of them, or it cannot be read.
 */
export async function ownConnection(
  env: Record<string, string | undefined> = process.env,
): Promise<Connection> {
  const isInCluster = !env.KUBECONFIG && env.KUBERNETES_SERVICE_HOST !== undefined;
  return isInCluster ? inClusterConnection({ env }) : kubeConfigConnection();
}

async function readKubeConfig({ file, context }: { file?: string; context?: string }) {
  // Imported late: it costs a process that does not need it 85 MB and a second.
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  try {
    if (file) config.loadFromFile(file);
    else config.loadFromDefault();
  } catch (cause) {
    const name = file ?? process.env.KUBECONFIG ?? '~/.kube/config';
    throw new ConnectionError(`cannot read kubeconfig ${name}`, { cause });
  }
  if (context) config.setCurrentContext(context);
  const cluster = config.getCurrentCluster();
  if (!cluster) throw new ConnectionError(`kubeconfig has no cluster for context ${config.currentContext}`);
  if (cluster.proxyUrl?.startsWith('socks')) {
    throw new ConnectionError(`proxy-url ${cluster.proxyUrl}: only http and https proxies are supported`);
  }
  if (cluster.server.startsWith('http:')) {
    // KubeConfig rejects plain http unless certificate verification is off; here there is no certificate to verify.
    const plain = { ...cluster, skipTLSVerify: true };
    config.clusters = config.clusters.map((each) => (each === cluster ? plain : each));
  }
  return { config, cluster };
}

function sameTls(a: TlsOptions, b: TlsOptions): boolean {
  const text = (value: string | Buffer | undefined) => value?.toString();
  return text(a.ca) === text(b.ca) && text(a.cert) === text(b.cert) && text(a.key) === text(b.key);
}

/** Closes connections once their requests have ended; those of an agent that is closed already cannot be. */
function retire(dispatcher: Dispatcher): void {
  dispatcher.close().catch(() => {});
}
