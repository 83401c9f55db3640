import { createServer } from 'node:https';

// The program of ./externalMetrics.ts: the external metrics API (external.metrics.k8s.io/v1beta1) with one value for every
// metric, which `/value?set=N` changes. CERTIFICATE and KEY are PEM.

const GROUP_VERSION = 'external.metrics.k8s.io/v1beta1';
const METRIC = new RegExp(`^/apis/${GROUP_VERSION}/namespaces/[^/]+/([^/]+)$`);

let value = '0';

/** What stands at a path; undefined where there is nothing, as the API server expects it of APIs that are not served. */
function answerOf({ pathname, searchParams }: URL): object | undefined {
  if (pathname === '/value') {
    value = searchParams.get('set') ?? value;
    return { value };
  }
  if (pathname === `/apis/${GROUP_VERSION}`) {
    const resource = { name: 'externalmetrics', singularName: '', namespaced: true, verbs: ['get'] };
    const resources = [{ ...resource, kind: 'ExternalMetricValueList' }];
    return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: GROUP_VERSION, resources };
  }
  const metricName = METRIC.exec(pathname)?.[1];
  if (metricName === undefined) return undefined;
  const items = [{ metricName, metricLabels: {}, timestamp: new Date().toISOString(), value }];
  return { kind: 'ExternalMetricValueList', apiVersion: GROUP_VERSION, metadata: {}, items };
}

createServer({ cert: process.env.CERTIFICATE, key: process.env.KEY }, ({ url }, response) => {
  const answer = answerOf(new URL(url ?? '/', 'https://localhost'));
  response.writeHead(answer ? 200 : 404, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify(answer ?? {}));
}).listen(8443);
