import { readFile } from 'node:fs/promises';
import { issueAuthority, issueCertificate } from '../../operator/webhook/certificates/issue.ts';
import { kubectl } from './cluster.ts';
import { CONTRACT_IMAGES } from './services.ts';

const NAME = 'external-metrics';
const PORT = 8443;
/** The registration of the external metrics API. */
export const API_SERVICE = 'v1beta1.external.metrics.k8s.io';

/** The external metrics API of the cluster while it is served. */
export interface ExternalMetrics extends AsyncDisposable {
  /** Sets the value of every metric. */
  set(value: number): Promise<void>;
}

/**
 * Serves the external metrics API from a pod in the namespace, as KEDA's metrics server does for the cluster. Dispose of it
 * before the namespace: while an API is registered that does not answer, the cluster deletes no namespace.
 */
export async function serveExternalMetrics(namespace: string): Promise<ExternalMetrics> {
  const adapter = [await podOf(namespace), serviceOf(namespace), apiServiceOf({ name: NAME, namespace })];
  const list = { apiVersion: 'v1', kind: 'List', items: adapter };
  const remove = () => kubectl(['delete', 'apiservice', API_SERVICE, '--ignore-not-found']);
  try {
    await kubectl(['apply', '-f', '-'], JSON.stringify(list));
    await kubectl(['wait', '--for=condition=Available', '--timeout=60s', `apiservice/${API_SERVICE}`]);
  } catch (error) {
    await remove();
    throw error;
  }
  const proxy = `/api/v1/namespaces/${namespace}/pods/https:${NAME}:${PORT}/proxy`;
  return {
    set: async (value) => void (await kubectl(['get', '--raw', `${proxy}/value?set=${value}`])),
    [Symbol.asyncDispose]: async () => void (await remove()),
  };
}

async function podOf(namespace: string): Promise<object> {
  const now = Date.now();
  const { certificate, key } = await issueCertificate(await issueAuthority(now), [NAME], now);
  const program = await readFile(new URL('externalMetricsAdapter.ts', import.meta.url), 'utf8');
  const container = {
    name: 'adapter',
    image: CONTRACT_IMAGES.node,
    command: ['/usr/bin/node', '--input-type=module-typescript', '--eval', program],
    env: [
      { name: 'CERTIFICATE', value: certificate },
      { name: 'KEY', value: key },
    ],
  };
  const metadata = { name: NAME, namespace, labels: { app: NAME } };
  const spec = { containers: [container], terminationGracePeriodSeconds: 0 };
  return { apiVersion: 'v1', kind: 'Pod', metadata, spec };
}

function serviceOf(namespace: string): object {
  const spec = { selector: { app: NAME }, ports: [{ port: 443, targetPort: PORT }] };
  return { apiVersion: 'v1', kind: 'Service', metadata: { name: NAME, namespace }, spec };
}

/** Registers the external metrics API with a Service that serves it. */
export function apiServiceOf(service: { name: string; namespace: string; port?: number }): object {
  const spec = {
    group: 'external.metrics.k8s.io',
    version: 'v1beta1',
    groupPriorityMinimum: 100,
    versionPriority: 100,
    insecureSkipTLSVerify: true,
    service,
  };
  const metadata = { name: API_SERVICE };
  return { apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService', metadata, spec };
}
