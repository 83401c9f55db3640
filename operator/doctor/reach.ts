import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import { connect } from 'node:tls';
import { type Config, loadConfig, parseConfig } from '../config.ts';
import { type KubeClient, resourcePath } from '../kube/client.ts';
import { CONFIG_MAPS, PODS, type Pod, SECRETS } from '../kube/core.ts';
import { SECRET_NAME } from '../webhook/certificates/secret.ts';
import type { Registration } from './registration.ts';

/** For an answer of another pod, in ms. */
const ANSWER_MS = 5_000;

/** What an observer gets at in one way inside a pod of the operator, and in another one outside. All reject where it cannot. */
export interface Reach {
  config(): Promise<Config>;
  /** The metrics of a pod of the operator, as Prometheus reads them. */
  metricsOf(pod: Pod): Promise<string>;
  /** The certificate that the webhook serves, as PEM. */
  certificate(registration: Registration): Promise<string>;
}

/** An installation of Homerun, and who looks at it. */
export interface Installation {
  client: KubeClient;
  reach: Reach;
  /** The operator's own. */
  namespace: string;
  /** Of the program that looks. */
  version: string;
  now: () => number;
}

/** Of a pod: its own configuration, and its network. */
export function reachInside(env: NodeJS.ProcessEnv): Reach {
  return {
    config: async () => loadConfig(env),
    async metricsOf(pod) {
      const address = pod.status?.podIP;
      if (!address) throw new Error(`pod ${pod.metadata.name} has no address`);
      const host = isIPv6(address) ? `[${address}]` : address;
      const url = `http://${host}:${adminPortOf(pod)}/metrics`;
      const answer = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS) });
      if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
      return answer.text();
    },
    certificate: ({ host, port, serverName }) => servedCertificate(host, port, serverName),
  };
}

/** Of a person with a kubeconfig: what the API server tells and hands on. */
export function reachOutside(client: KubeClient, namespace: string): Reach {
  const needed = <T>(found: T | undefined, name: string): T => {
    if (found === undefined) throw new Error(`there is no ${name} in the namespace ${namespace}`);
    return found;
  };
  return {
    async config() {
      const name = 'homerun-controller';
      const map = needed(await client.get(CONFIG_MAPS, { namespace, name }), `ConfigMap ${name}`);
      const text = needed(map.data?.['config.json'], `config.json in ConfigMap ${name}`);
      return parseConfig(JSON.parse(text));
    },
    async metricsOf(pod) {
      const port = { namespace, name: `${pod.metadata.name}:${adminPortOf(pod)}` };
      return client.request<string>('GET', `${resourcePath(PODS, port)}/proxy/metrics`, {
        timeoutMs: ANSWER_MS,
        accept: '*/*',
        read: (text) => text.toString(),
      });
    },
    async certificate() {
      const name = SECRET_NAME;
      const secret = needed(await client.get(SECRETS, { namespace, name }), `Secret ${name}`);
      const pem = needed(secret.data?.['tls.crt'], `tls.crt in Secret ${name}`);
      return Buffer.from(pem, 'base64').toString();
    },
  };
}

function adminPortOf({ metadata, spec }: Pod): number {
  const ports = spec?.containers.flatMap(({ ports = [] }) => ports) ?? [];
  const admin = ports.find(({ name }) => name === 'admin');
  if (!admin) throw new Error(`pod ${metadata.name} has no port admin`);
  return admin.containerPort;
}

/** What a server shows to whoever connects; whether to trust it is judged by who asks. */
async function servedCertificate(host: string, port: number, servername: string): Promise<string> {
  const socket = connect({ host, port, servername, rejectUnauthorized: false });
  try {
    await once(socket, 'secureConnect', { signal: AbortSignal.timeout(ANSWER_MS) });
    const certificate = socket.getPeerX509Certificate();
    if (!(certificate instanceof X509Certificate)) throw new Error(`${host}:${port} shows no certificate`);
    return certificate.toString();
  } finally {
    socket.destroy();
  }
}
