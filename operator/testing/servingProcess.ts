import { parseConfig } from '../config.ts';
import { EventRecorder } from '../kube/events.ts';
import { configurationController } from '../reconcilers/configuration/reconciler.ts';
import type { Context } from '../reconcilers/context.ts';
import { createInformers } from '../reconcilers/informers.ts';
import { revisionController } from '../reconcilers/revision/reconciler.ts';
import { routeController } from '../reconcilers/route/reconciler.ts';
import { serviceController } from '../reconcilers/service/reconciler.ts';
import type { FakeApiServer } from './fakeApiServer.ts';
import { silent } from './until.ts';

const config = parseConfig({});

/** A controller process for tests: all informers and controllers of one, without autoscaler and gateway. */
export class ServingProcess {
  readonly #stop = new AbortController();
  readonly #running: Promise<unknown>;

  constructor(server: Pick<FakeApiServer, 'client'>) {
    const { client } = server;
    const informers = createInformers(client, silent, config);
    const recorder = new EventRecorder({ client, component: 'test', log: silent });
    const identity = { namespace: 'homerun-system', podName: 'test' };
    const abilities = { resizesPods: false };
    const context: Context = {
      client,
      informers,
      recorder,
      config,
      identity,
      abilities,
      log: silent,
      now: Date.now,
    };
    const parts = [serviceController, configurationController, revisionController, routeController];
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
