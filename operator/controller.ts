import { Autoscaler } from './autoscaler/scaler.ts';
import type { Identity } from './config.ts';
import { capabilitiesOf } from './kube/capabilities.ts';
import type { KubeClient } from './kube/client.ts';
import type { Controller } from './kube/controller.ts';
import { PODS } from './kube/core.ts';
import { EventRecorder } from './kube/events.ts';
import { type Lead, LeaderElection } from './kube/lease.ts';
import { stoppedAt } from './kube/pod.ts';
import type { Permission } from './rbac.ts';
import { affinityKeyController } from './reconcilers/affinityKey/reconciler.ts';
import { boostController } from './reconcilers/boost/reconciler.ts';
import type { Context } from './reconcilers/context.ts';
import { disruptionController } from './reconcilers/disruption/reconciler.ts';
import { issuingOf } from './reconcilers/domainMapping/certManager.ts';
import { routingOf } from './reconcilers/domainMapping/gatewayApi.ts';
import { RECONCILERS } from './reconcilers/index.ts';
import { createInformers, type Informers } from './reconcilers/informers.ts';
import { rollOutsOf } from './reconcilers/revision/rollOuts.ts';
import { ScalingReports } from './reconcilers/revision/scalingReports.ts';
import type { RoleConfig } from './roles.ts';
import { startAdmin } from './telemetry/admin.ts';
import type { Logger } from './telemetry/log.ts';
import { type ReconcileTracer, tracerOf } from './tracing/reconcileTracer.ts';

/** What leading takes, in the operator's own namespace: the pods are those of leaders that no longer renew. */
export const leasePermissions: readonly Permission[] = [
  { apiGroups: [''], resources: ['pods'], verbs: ['get'] },
  { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['create', 'get', 'update'] },
];

/**
 * The controller role: watches, reconciles and scales until `signal` aborts. Only the leader does so; others keep
 * their caches warm.
 * @throws {LeaseLostError} when the lease is lost and what runs does not stop in time; the process must end then.
 */
export async function runController(
  config: RoleConfig<'controller'>,
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
  const tracer = tracerOf(config.gateway.tracing, identity, log);
  try {
    const capabilities = await capabilitiesOf(client, { log, signal });
    const informers = createInformers(client, log, config, {
      namespaces: config.namespaces,
      own: identity.namespace,
      certificates: issuingOf(config)?.namespace,
      httpRoutes: routingOf(config)?.namespace,
    });
    const watches = Object.values(informers);
    unready = () => {
      const waiting = watches.filter(({ hasSynced }) => !hasSynced).map(({ type }) => type.plural);
      return waiting.length > 0 ? `waiting for the first list of ${waiting.join(', ')}` : undefined;
    };
    const rollOuts = rollOutsOf(config, informers);
    const scaling = new ScalingReports();
    const now = Date.now;
    const context: Context = {
      client,
      informers,
      recorder,
      config,
      identity,
      capabilities,
      rollOuts,
      scaling,
      log,
      now,
    };
    await Promise.all([
      electionOf(context).run(signal, leaderOf({ ...context, informers, tracer }, controllers)),
      ...watches.map((informer) => informer.run(signal)),
    ]);
  } catch (error) {
    // Asked to end while it waited: that is no failure.
    if (!signal.aborted || error !== signal.reason) throw error;
  } finally {
    await recorder.flush();
    await tracer?.end();
    admin.close();
  }
}

function electionOf({ client, identity, log }: Context): LeaderElection {
  const { namespace, podName } = identity;
  const lease = { namespace, name: 'homerun-controller' };
  const hasEnded = async (name: string, renewedAt: number) => {
    const pod = await client.get(PODS, { namespace, name });
    // Of one clock, the node's. A process that was started again in the pod has renewed since; it took longer than a second.
    const stopped = pod && stoppedAt(pod);
    return stopped !== undefined && stopped + 1000 >= renewedAt;
  };
  return new LeaderElection({ client, lease, identity: podName, hasEnded, log });
}

function controllersOf(context: Context): Controller[] {
  return [
    ...RECONCILERS.map(({ controller }) => controller(context)),
    disruptionController(context),
    boostController(context),
    affinityKeyController(context),
  ];
}

/**
 * Reconciles and scales whenever this process leads. What it remembers outlives an API server that was away: the
 * autoscaler's windows, since when instances are idle, queues, digests.
 * @param controllers filled in when it leads for the first time.
 */
function leaderOf(
  context: Context & { informers: Informers; tracer: ReconcileTracer | undefined },
  controllers: Controller[],
): Lead {
  const { client, config, identity, capabilities, informers, scaling, tracer, log } = context;
  let present = AbortSignal.abort();
  // Whoever does not lead any more writes nothing, and what is under way ends.
  const guarded = client.guarded(() => present);
  client.onReturn(() => {
    for (const controller of controllers) controller.serverReturned();
  });
  let autoscaler: Autoscaler | undefined;
  return async (signal, lost) => {
    present = lost;
    autoscaler ??= new Autoscaler({
      client: guarded,
      config,
      identity,
      capabilities,
      informers,
      reports: scaling,
      log,
    });
    if (controllers.length === 0) {
      controllers.push(...controllersOf({ ...context, client: guarded }));
      if (tracer) for (const controller of controllers) controller.observe(tracer.record);
    }
    for (const controller of controllers) controller.serverReturned();
    await Promise.all([...controllers, autoscaler].map((part) => part.run(signal)));
  };
}
