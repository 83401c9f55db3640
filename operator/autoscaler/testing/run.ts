import { revisionUids } from '../../apis/labels.ts';
import { REVISIONS } from '../../apis/serving/revision/types.ts';
import { ROUTES } from '../../apis/serving/route/types.ts';
import { SERVICES } from '../../apis/serving/service/types.ts';
import { parseConfig } from '../../config.ts';
import type { KubeClient } from '../../kube/client.ts';
import { DEPLOYMENTS, PODS } from '../../kube/core.ts';
import { Informer } from '../../kube/informer.ts';
import { silent } from '../../testing/until.ts';
import type { Reports } from '../explain.ts';
import { Autoscaler } from '../scaler.ts';

export interface RunOptions {
  client: KubeClient;
  /** Where all gateways of the test listen. */
  gatewayPort: number;
  signal: AbortSignal;
  /** In the place of both clocks. */
  now?: () => number;
  reports?: Reports;
  /** Whether CPU requests of idle instances are lowered. */
  idleCpuResize?: boolean;
}

export interface RunningInformers {
  autoscaler: Autoscaler;
  /** Resolves when the informers have ended. */
  watching: Promise<unknown>;
}

/** An autoscaler with informers of its own, fifty ticks a second; resolves when all has ended. */
export function runAutoscaler(options: RunOptions): Promise<unknown> {
  const { autoscaler, watching } = watchForAutoscaler(options);
  return Promise.all([autoscaler.run(options.signal), watching]);
}

/** The same, not yet running; its informers do. */
export function watchForAutoscaler({
  client,
  gatewayPort,
  signal,
  now,
  reports,
  idleCpuResize = false,
}: RunOptions): RunningInformers {
  const own = { client, log: silent };
  const informers = {
    revisions: new Informer({ ...own, type: REVISIONS }),
    services: new Informer({ ...own, type: SERVICES }),
    routes: new Informer({ ...own, type: ROUTES }),
    deployments: new Informer({ ...own, type: DEPLOYMENTS }),
    pods: new Informer({ ...own, type: PODS, indexers: { revision: revisionUids } }),
  };
  const parsed = parseConfig({ adminPort: gatewayPort });
  const config = { ...parsed, autoscaler: { ...parsed.autoscaler, tickSeconds: 0.02, idleCpuResize } };
  const capabilities = { resizesPods: true };
  const identity = { namespace: 'homerun-system', podName: 'controller-1' };
  const autoscaler = new Autoscaler({
    client,
    config,
    identity,
    capabilities,
    informers,
    reports,
    log: silent,
    now,
    today: now,
  });
  const watching = Promise.all(Object.values(informers).map((informer) => informer.run(signal)));
  return { autoscaler, watching };
}
