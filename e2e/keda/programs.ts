import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse, stringify } from 'yaml';
import type { ApiServer } from '../../operator/testing/apiServer.ts';
import { makeCertificates } from '../../operator/testing/certificates.ts';
import { freePort } from '../../operator/testing/freePort.ts';
import { toolFolder } from '../chart/helm.ts';
import { API_SERVICE, apiServiceOf } from '../lib/externalMetrics.ts';
import { Programs } from '../lib/programs.ts';
import { kubectl } from '../lib/tools.ts';

const NAMESPACE = 'keda';
const ACCOUNT = `system:serviceaccount:${NAMESPACE}:keda-operator`;

/** KEDA beside an API server: its operator, and its metrics server, which HorizontalPodAutoscalers ask through the API server. */
export class Keda {
  readonly #programs: Programs;

  private constructor(folder: string) {
    this.#programs = new Programs(folder);
  }

  /** Ready to scale, as the account that KEDA's manifests make, with its permissions alone. */
  static async start(server: ApiServer): Promise<Keda> {
    const folder = join(dirname(server.kubeconfig), 'keda');
    prepare(folder, server);
    const keda = new Keda(folder);
    const [metricsService, secure, metrics] = [await freePort(), await freePort(), await freePort()];
    keda.#run('operator', [
      '--enable-prometheus-metrics=false',
      '--health-probe-bind-address=0',
      `--metrics-service-bind-address=127.0.0.1:${metricsService}`,
      '--cert-dir=.',
    ]);
    keda.#run('adapter', [
      '--bind-address=127.0.0.1',
      `--secure-port=${secure}`,
      `--port=${metrics}`,
      `--metrics-service-address=localhost:${metricsService}`,
      '--cert-dir=.',
      '--tls-cert-file=tls.crt',
      '--tls-private-key-file=tls.key',
      ...['lister', 'authentication', 'authorization'].map((name) => `--${name}-kubeconfig=kubeconfig`),
    ]);
    await kubectl(server, ['apply', '-f', '-'], JSON.stringify(externalMetrics(secure)));
    try {
      await kubectl(server, [
        'wait',
        `apiservice/${API_SERVICE}`,
        '--for=condition=Available',
        '--timeout=120s',
      ]);
      return keda;
    } catch (error) {
      await keda.stop();
      throw new Error(`KEDA does not serve metrics:\n${keda.log()}`, { cause: error });
    }
  }

  /** The end of the programs' logs. */
  log(): string {
    return this.#programs.log();
  }

  stop(): Promise<void> {
    return this.#programs.stop();
  }

  #run(name: string, args: string[]): void {
    this.#programs.run(name, [join(toolFolder('keda'), name), ...args], {
      KUBECONFIG: 'kubeconfig',
      POD_NAMESPACE: NAMESPACE,
      KEDA_CLUSTER_OBJECT_NAMESPACE: NAMESPACE,
      WATCH_NAMESPACE: '',
    });
  }
}

/** What both programs need in their folder: a certificate for each other, and KEDA's account. */
function prepare(folder: string, { kubeconfig }: ApiServer): void {
  mkdirSync(folder);
  makeCertificates(folder);
  for (const end of ['crt', 'key']) renameSync(join(folder, `server.${end}`), join(folder, `tls.${end}`));
  const config = parse(readFileSync(kubeconfig, 'utf8'));
  const [{ cluster }, { user }] = [config.clusters[0], config.users[0]];
  const absolute = (name: string) => join(dirname(kubeconfig), name);
  cluster['certificate-authority'] = absolute(cluster['certificate-authority']);
  for (const name of ['client-certificate', 'client-key']) user[name] = absolute(user[name]);
  user.as = ACCOUNT;
  writeFileSync(join(folder, 'kubeconfig'), stringify(config));
}

/** The registration of the metrics server, which is at a port of this machine. */
function externalMetrics(port: number): object {
  const service = { namespace: NAMESPACE, name: 'keda-metrics-apiserver' };
  const items = [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: service,
      spec: { type: 'ExternalName', externalName: 'localhost', ports: [{ port }] },
    },
    apiServiceOf({ ...service, port }),
  ];
  return { apiVersion: 'v1', kind: 'List', items };
}
