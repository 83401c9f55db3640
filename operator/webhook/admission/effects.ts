import { AUTOSCALING, HOMERUN, parseFlag, RUN, SERVING } from '../../apis/annotations.ts';
import type { Capabilities } from '../../kube/capabilities.ts';

/**
 * What a cluster makes of an annotation that Cloud Run knows:
 * - `same`: what Cloud Run makes of it
 * - `kept`: it is stored and shown, and steers nothing, because it tells something about the object
 * - `other`: something else, which `says` tells; those who apply it are warned
 */
export interface Effect {
  does: 'same' | 'kept' | 'other';
  /** What happens instead, or how; for a person, one sentence. */
  says?: string;
  /** Values that ask for nothing a cluster cannot give: no warning. */
  unless?: (value: string) => boolean;
  /** What the cluster must be able to do for it, and what happens where it is not. */
  needs?: { ability: keyof Capabilities; otherwise: string };
}

const same = (says?: string): Effect => ({ does: 'same', says });
const kept = (says?: string): Effect => ({ does: 'kept', says });
const other = (says: string, unless?: Effect['unless']): Effect => ({ does: 'other', says, unless });

const isOff = (value: string) => parseFlag(value) === false;

const NO_LIMIT = '0 counts as unset: no limit of its own, never no instance';
const NO_NETWORK = 'instances use the network of the cluster; limit it with a NetworkPolicy';
const NO_MESH = 'no mesh is set up; a mesh of the cluster works as for any pod';
const NO_KEY = 'images and volumes are encrypted as the cluster does it; the key is not used';
const NO_BUILD = kept('builds write it for the next build');

/** Every annotation that may stand on a Service, its children or their template. */
export const ANNOTATION_EFFECTS: Readonly<Record<string, Effect>> = {
  [AUTOSCALING.minScale]: same(),
  [AUTOSCALING.maxScale]: same(NO_LIMIT),
  [RUN.minScale]: same(),
  [RUN.maxScale]: same(NO_LIMIT),
  [RUN.scalingMode]: same(),
  [RUN.manualInstanceCount]: same(),
  [RUN.maxSurge]: other('traffic moves in one step'),
  [RUN.maxUnavailable]: other('traffic moves in one step'),
  [RUN.overflowScaling]: other('instances stay in this cluster', isOff),
  [RUN.ingress]: {
    does: 'same',
    says: 'from inside is what comes through the Service homerun-gateway-internal; lead a load balancer of your own there',
  },
  [RUN.ingressStatus]: kept(),
  [RUN.urls]: kept(),
  [RUN.operationId]: kept(),
  [RUN.invokerIamDisabled]: other('who may call is not checked, neither way', (value) => !isOff(value)),
  [RUN.defaultUrlDisabled]: same('only the name inside the cluster answers, and status.url shows it'),
  [RUN.iapEnabled]: other('there is no Identity-Aware Proxy; put one in front of the gateway', isOff),
  [RUN.customAudiences]: other('tokens of callers are not checked'),
  [RUN.description]: kept(),
  [RUN.gcTrafficTags]: other('tags stay until they are taken out of spec.traffic'),
  [RUN.launchStage]: kept('features of every stage are accepted'),
  [RUN.clientName]: kept(),
  [RUN.clientVersion]: kept(),
  [RUN.binaryAuthorization]: other('images are not checked; use an admission policy of the cluster for that'),
  [RUN.binaryAuthorizationBreakglass]: other('images are not checked, so nothing has to be overridden'),
  [RUN.threatDetection]: other('nothing watches the instances; use a tool of the cluster for that'),
  [RUN.regions]: other('the service runs in this cluster only'),
  [RUN.gclbDomainName]: other('no load balancer is made; point the domain at the gateway'),
  [RUN.creator]: kept('set from the user who asks, on jobs and executions'),
  [RUN.lastModifier]: kept('set from the user who asks, on jobs and executions'),
  [RUN.creatorEmail]: kept(),
  [RUN.lastModifierEmail]: kept(),
  [RUN.executionName]: kept(),
  [RUN.cpuThrottling]: kept('instances may use their CPU between requests too'),
  [RUN.startupCpuBoost]: {
    does: 'same',
    says: 'on clusters that resize pods in place (Kubernetes 1.33 and newer); a LimitRange must allow the higher limit, and a container that is started again in its place goes without',
    unless: isOff,
    needs: {
      ability: 'resizesPods',
      otherwise:
        'this cluster cannot change the CPU of running pods; the CPU limit is the same during the start',
    },
  },
  [RUN.executionEnvironment]: same(
    'the RuntimeClass that chart value instance.runtimeClasses names for it, else that of the nodes; jobs and worker pools run in gen2 whatever it says',
  ),
  [RUN.sessionAffinity]: other('requests of one client may go to any instance', isOff),
  [RUN.healthCheckDisabled]: same(),
  [RUN.containerDependencies]: same(),
  [RUN.secrets]: same('the Secret of that name in the namespace; its project is not looked at'),
  [RUN.baseImages]: other('the image stays as it was built'),
  [RUN.sources]: other('sources are not fetched; the image is run as it is'),
  [RUN.gpuZonalRedundancyDisabled]: kept('where instances run is up to the scheduler of the cluster'),
  [RUN.cloudsqlInstances]: other(
    'no connection is made; connect by address, or run the Cloud SQL Auth Proxy as a second container',
  ),
  [RUN.vpcAccessConnector]: other(NO_NETWORK),
  [RUN.vpcAccessEgress]: other(NO_NETWORK),
  [RUN.networkInterfaces]: other(NO_NETWORK),
  [RUN.encryptionKey]: other(NO_KEY),
  [RUN.encryptionKeyShutdownHours]: other(NO_KEY),
  [RUN.postKeyRevocationActionType]: other(NO_KEY),
  [RUN.secureSessionAgent]: other('no agent is started'),
  [RUN.mesh]: other(NO_MESH),
  [RUN.meshDataplane]: other(NO_MESH),
  [RUN.identity]: other('the identity is that of spec.serviceAccountName'),
  [RUN.enableWorkloadCertificate]: other('no certificate is given to instances', isOff),
  [RUN.buildId]: NO_BUILD,
  [RUN.buildName]: NO_BUILD,
  [RUN.buildImageUri]: NO_BUILD,
  [RUN.buildSourceLocation]: NO_BUILD,
  [RUN.buildFunctionTarget]: NO_BUILD,
  [RUN.buildBaseImage]: NO_BUILD,
  [RUN.buildEnableAutomaticUpdates]: NO_BUILD,
  [RUN.buildEnvironmentVariables]: NO_BUILD,
  [RUN.buildServiceAccount]: NO_BUILD,
  [RUN.buildWorkerPool]: NO_BUILD,
  [RUN.sourceLocation]: NO_BUILD,
  [RUN.functionTarget]: NO_BUILD,
  [RUN.imageUri]: NO_BUILD,
  [RUN.enableAutomaticUpdates]: NO_BUILD,
  [SERVING.creator]: same('set from the user who asks; what a client writes is replaced'),
  [SERVING.lastModifier]: same('set from the user who asks; what a client writes is replaced'),
  [HOMERUN.run]: same('any new value runs the job once; the execution is called JOB-VALUE'),
  [HOMERUN.schedule]: same('the job runs at each time of it'),
  [HOMERUN.timeZone]: same('the schedule is read in it; UTC when unset'),
  [HOMERUN.historyLimit]: same('that many executions that have ended are kept, the newest'),
  [HOMERUN.overrides]: same('as RunJobRequest.overrides of the API'),
  [HOMERUN.cancel]: same('true stops the execution'),
};

const FIXED = 'a worker pool has as many instances as run.googleapis.com/manualInstanceCount says';

/** The same for a WorkerPool and its template, where that differs. */
export const POOL_EFFECTS: Readonly<Record<string, Effect>> = {
  ...ANNOTATION_EFFECTS,
  [AUTOSCALING.minScale]: other(FIXED),
  [AUTOSCALING.maxScale]: other(FIXED),
  [RUN.minScale]: other(FIXED),
  [RUN.maxScale]: other(FIXED),
  [RUN.scalingMode]: same('manual is the only mode'),
  [RUN.manualInstanceCount]: same(
    'whenever it changes, spec.manualInstanceCount becomes the same; kubectl scale and autoscalers change that one too',
  ),
  [RUN.maxSurge]: same('percent of the instances, rounded up; 100 when unset'),
  [RUN.maxUnavailable]: same('percent of the instances, rounded down; 0 when unset'),
  [RUN.sessionAffinity]: other('a worker pool gets no requests', isOff),
  [RUN.healthCheckDisabled]: kept('a worker has no port that would be looked at'),
};

/** What is said when a value of an annotation asks for what the cluster does otherwise; undefined when it does not. */
export function effectWarning(
  key: string,
  value: string,
  abilities: Capabilities,
  effects = ANNOTATION_EFFECTS,
): string | undefined {
  const effect = Object.hasOwn(effects, key) ? effects[key] : undefined;
  if (!effect || effect.unless?.(value)) return undefined;
  if (effect.does === 'other') return effect.says;
  return effect.needs && !abilities[effect.needs.ability] ? effect.needs.otherwise : undefined;
}
