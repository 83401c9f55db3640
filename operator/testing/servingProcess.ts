import { type Config, parseConfig } from '../config.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Controller } from '../kube/controller.ts';
import { EventRecorder } from '../kube/events.ts';
import { configurationController } from '../reconcilers/configuration/reconciler.ts';
import type { Context } from '../reconcilers/context.ts';
import { disruptionController } from '../reconcilers/disruption/reconciler.ts';
import { issuingOf } from '../reconcilers/domainMapping/certManager.ts';
import { routingOf } from '../reconcilers/domainMapping/gatewayApi.ts';
import { createInformers } from '../reconcilers/informers.ts';
import { revisionController } from '../reconcilers/revision/reconciler.ts';
import { rollOutsOf } from '../reconcilers/revision/rollOuts.ts';
import { ScalingReports } from '../reconcilers/revision/scalingReports.ts';
import { routeController } from '../reconcilers/route/reconciler.ts';
import { serviceController } from '../reconcilers/service/reconciler.ts';
import { silent } from './until.ts';

const SERVING = [
  serviceController,
  configurationController,
  revisionController,
  disruptionController,
  routeController,
];

/** A controller process for tests: all informers and the controllers of one, without autoscaler and gateway. */
export class ServingProcess {
  /** What an autoscaler would report. */
  readonly scaling = new ScalingReports();
  readonly #stop = new AbortController();
  readonly #running: Promise<unknown>;

  /** @param parts its controllers; those of services when left out. */
  constructor(
    { client }: { client: KubeClient },
    parts: readonly ((context: Context) => Controller)[] = SERVING,
    config: Config = parseConfig({}),
  ) {
    const informers = createInformers(client, silent, config, {
      certificates: issuingOf(config)?.namespace,
      httpRoutes: routingOf(config)?.namespace,
    });
    const recorder = new EventRecorder({ client, component: 'test', log: silent });
    const identity = { namespace: 'homerun-system', podName: 'test' };
    const capabilities = { resizesPods: false };
    const rollOuts = rollOutsOf(config, informers);
    const context: Context = {
      client,
      informers,
      recorder,
      config,
      identity,
      capabilities,
      rollOuts,
      scaling: this.scaling,
      log: silent,
      now: Date.now,
    };
    this.#running = Promise.all([
      ...Object.values(informers).map((informer) => informer.run(this.#stop.signal)),
      ...parts.map((part) => part(context).run(this.#stop.signal)),
    ]);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }
}
