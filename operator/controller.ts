import { admitEviction } from './autoscaler/evictions.ts';
import { Autoscaler } from './autoscaler/scaler.ts';
import type { Config, Identity } from './config.ts';
import { abilitiesOf } from './kube/abilities.ts';
import type { KubeClient } from './kube/client.ts';
import type { Controller } from './kube/controller.ts';
import { EventRecorder } from './kube/events.ts';
import { LeaderElection } from './kube/lease.ts';
import type { Permission } from './rbac.ts';
import { configurationController } from './reconcilers/configuration/reconciler.ts';
import type { Context } from './reconcilers/context.ts';
import { executionController } from './reconcilers/execution/reconciler.ts';
import { createInformers } from './reconcilers/informers.ts';
import { boostController } from './reconcilers/instance/boostController.ts';
import { jobController } from './reconcilers/job/reconciler.ts';
import { revisionController } from './reconcilers/revision/reconciler.ts';
import { routeController } from './reconcilers/route/reconciler.ts';
import { serviceController } from './reconcilers/service/reconciler.ts';
import { workerPoolController } from './reconcilers/workerPool/reconciler.ts';
import { startAdmin } from './telemetry/admin.ts';
import type { Logger } from './telemetry/log.ts';
import type { AdmissionRequest } from './webhook/review.ts';
import { startWebhook } from './webhook/webhook.ts';

/** What leading takes, in the operator's own namespace. */
export const leasePermissions: readonly Permission[] = [
  { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['create', 'get', 'update'] },
];

/**
 * The controller role: watches, reconciles and scales until `signal` aborts. Only the leader does so; others keep
 * their caches warm, and answer admission reviews as it does.
 * @throws {LeaseLostError} when another took over; the process must end then.
 */
export async function runController(
  config: Config,
  identity: Identity,
  client: KubeClient,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  let unready = (): string | undefined => 'waiting for the API server';
  // First of all: the kubelet restarts what does not say that it lives, and that would bring no API server back.
  const controllers: Controller[] = [];
  const dead = () => controllers.map(({ stuck }) => stuck).find((why) => why !== undefined);
  const admin = await startAdmin({ port: config.adminPort, unready: () => unready(), dead });
  const recorder = new EventRecorder({ client, component: 'homerun-controller', log });
  try {
    const abilities = await abilitiesOf(client, { log, signal });
    const informers = createInformers(client, log, config);
    const watches = Object.values(informers);
    const { pods, revisions } = informers;
    const evictions = {
      client,
      podOf: (key: string) => pods.store.get(key),
      revisionOf: (key: string) => revisions.store.get(key),
      now: Date.now,
    };
    const evict = (request: AdmissionRequest) => admitEviction(request, evictions);
    const webhook = await startWebhook({ client, config, identity, abilities, evict, log });
    unready = () => {
      const waiting = watches.filter(({ hasSynced }) => !hasSynced).map(({ type }) => type.plural);
      return waiting.length > 0 ? `waiting for the first list of ${waiting.join(', ')}` : webhook.unready();
    };
    const context: Context = { client, informers, recorder, config, identity, abilities, log, now: Date.now };
    await Promise.all([
      electionOf(context).run(signal, (leading) => {
        controllers.push(...controllersOf(context));
        return reconcileAndScale(context, controllers, leading);
      }),
      webhook.run(signal),
      ...watches.map((informer) => informer.run(signal)),
    ]);
  } catch (error) {
    // Asked to end while it waited: that is no failure.
    if (!signal.aborted || error !== signal.reason) throw error;
  } finally {
    await recorder.flush();
    admin.close();
  }
}

function electionOf({ client, identity, log }: Context): LeaderElection {
  const lease = { namespace: identity.namespace, name: 'homerun-controller' };
  return new LeaderElection({ client, lease, identity: identity.podName, log });
}

function controllersOf(context: Context): Controller[] {
  return [
    serviceController(context),
    configurationController(context),
    revisionController(context),
    routeController(context),
    workerPoolController(context),
    boostController(context),
    jobController(context),
    executionController(context),
  ];
}

async function reconcileAndScale(
  { client, config, identity, informers, log }: Context,
  controllers: readonly Controller[],
  signal: AbortSignal,
): Promise<void> {
  const autoscaler = new Autoscaler({ client, config, identity, informers, log });
  await Promise.all([...controllers.map((controller) => controller.run(signal)), autoscaler.run(signal)]);
}
