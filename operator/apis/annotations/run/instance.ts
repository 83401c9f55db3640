import { BASE_IMAGE_RUNTIME } from '../../serving/instance/platform.ts';
import { type Annotation, honoured, INSTANCES, ignored, REVISION, stored } from '../annotation.ts';
import { BASE_IMAGES, DEPENDENCIES, FLAG, isOff, oneOf, SECRET_ALIASES, SOURCES } from '../values.ts';

/** How an instance or a task runs. */
export const INSTANCE = {
  cpuThrottling: {
    key: 'run.googleapis.com/cpu-throttling',
    on: REVISION,
    value: FLAG,
    effect: stored(
      'instances may use CPU between requests too; unless it is false, chart value autoscaler.idleCpuResize lowers what they request while they are idle',
    ),
  },
  startupCpuBoost: {
    key: 'run.googleapis.com/startup-cpu-boost',
    on: REVISION,
    value: FLAG,
    effect: {
      outcome: 'honoured',
      note: 'on clusters that resize pods in place (Kubernetes 1.33 and newer); a LimitRange must allow the higher limit, and a container that restarts in place is not boosted again',
      unless: isOff,
      needs: {
        capability: 'resizesPods',
        otherwise:
          'this cluster cannot change the CPU of running pods; the CPU limit is the same during the start',
      },
    },
  },
  executionEnvironment: {
    key: 'run.googleapis.com/execution-environment',
    on: INSTANCES,
    value: oneOf('gen1', 'gen2'),
    effect: honoured(
      'the RuntimeClass that chart value instance.runtimeClasses names for it, else the default of the nodes',
    ),
    effects: {
      Job: stored('jobs always run in gen2'),
      WorkerPool: stored('worker pools always run in gen2'),
    },
  },
  sessionAffinity: {
    key: 'run.googleapis.com/sessionAffinity',
    on: REVISION,
    value: FLAG,
    effect: honoured('best effort, by a cookie that the gateway sets'),
    effects: { WorkerPool: ignored('a worker pool receives no requests', isOff) },
  },
  healthCheckDisabled: {
    key: 'run.googleapis.com/health-check-disabled',
    on: REVISION,
    value: FLAG,
    effect: honoured(),
    effects: { WorkerPool: stored('a worker has no port to check') },
  },
  containerDependencies: {
    key: 'run.googleapis.com/container-dependencies',
    on: INSTANCES,
    value: DEPENDENCIES,
    effect: honoured(),
  },
  secrets: {
    key: 'run.googleapis.com/secrets',
    on: INSTANCES,
    value: SECRET_ALIASES,
    effect: honoured('the Secret of that name in the namespace; the project is ignored'),
  },
  baseImages: {
    key: 'run.googleapis.com/base-images',
    on: ['service', 'revision'],
    value: BASE_IMAGES,
    effect: honoured(
      `for a container with a source: an image, or a name of chart value instance.baseImages, which instances follow with runtimeClassName ${BASE_IMAGE_RUNTIME}; an image that was built stays as it is`,
    ),
  },
  sources: {
    key: 'run.googleapis.com/sources',
    on: REVISION,
    value: SOURCES,
    effect: honoured(
      'the archive, which the Admin API keeps (chart value api.storage), is unpacked to /workspace before the container starts',
    ),
  },
  gpuZonalRedundancyDisabled: {
    key: 'run.googleapis.com/gpu-zonal-redundancy-disabled',
    on: INSTANCES,
    value: FLAG,
    effect: stored('the scheduler of the cluster decides where instances run'),
  },
} as const satisfies Record<string, Annotation>;
