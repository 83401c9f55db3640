import { sourceUrl } from '../../apis/sourceUrl.ts';
import type { BatchJob } from '../../kube/core.ts';
import { sourceVolumes, unpacking } from '../../reconcilers/pod/source.ts';
import { type BuildConfig, buildOf } from './containers.ts';
import { BUILD, jobName } from './names.ts';
import type { BuildRequest } from './request.ts';

/**
 * The batch/v1 Job that a build is. It runs once: what fails is for whoever deploys to see. Its pod has as long as the build,
 * so that its log is there when that is over; the Job has the time in the queue besides. Its volumes have no group (fsGroup):
 * every folder of an image that is made in them would get it, and the bit that hands it on. Pure.
 */
export function buildJob(
  id: string,
  namespace: string,
  request: BuildRequest,
  config: BuildConfig,
): BatchJob {
  const { timeoutSeconds, queueSeconds, keepSeconds } = config.build;
  const { container, volumes, annotations, user } = buildOf(request, config);
  const labels = { [BUILD.id]: id, 'app.kubernetes.io/managed-by': 'homerun' };
  const unpacked = unpacking(
    { url: sourceUrl(request.source) },
    { source: { ...config.source, runAsUser: user } },
  );
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: jobName(id),
      namespace,
      labels,
      annotations: { [BUILD.request]: JSON.stringify(request) },
    },
    spec: {
      backoffLimit: 0,
      activeDeadlineSeconds: whole(timeoutSeconds) + whole(queueSeconds),
      ttlSecondsAfterFinished: whole(keepSeconds),
      template: {
        metadata: { labels, annotations },
        spec: {
          restartPolicy: 'Never',
          activeDeadlineSeconds: whole(timeoutSeconds),
          terminationGracePeriodSeconds: 5,
          // What is built runs code of others: it has no rights in the cluster.
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          initContainers: [unpacked],
          containers: [container],
          volumes: [...sourceVolumes(), ...volumes],
        },
      },
    },
  } as BatchJob;
}

function whole(seconds: number): number {
  return Math.ceil(seconds);
}
