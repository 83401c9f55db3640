import { SERVING } from '../../apis/labels.ts';
import { deploymentName } from '../../apis/names.ts';
import { REVISIONS, type Revision } from '../../apis/serving/revision/types.ts';
import { ROUTES, type Route } from '../../apis/serving/route/types.ts';
import { SERVICES, type Service } from '../../apis/serving/service/types.ts';
import { DEPLOYMENTS, type Deployment, PODS, type Pod } from '../../kube/core.ts';
import type { KubeObject, ResourceType } from '../../kube/types.ts';

// The objects that the autoscaler reads, of one revision `hello-00001-abc` in the namespace `n`.

export const REF = { namespace: 'n', name: 'hello-00001-abc' };
/** The Deployment that runs it. */
export const DEPLOYMENT = { namespace: 'n', name: deploymentName(REF.name) };
export const KEY = `${REF.namespace}/${REF.name}`;

const uidOf = (revision: string) => `uid-${revision}`;
const labels = {
  [SERVING.revision]: REF.name,
  [SERVING.revisionUID]: uidOf(REF.name),
  [SERVING.service]: 'hello',
};

function object<T extends KubeObject>(type: ResourceType<T>, metadata: T['metadata'], rest: object): T {
  return { apiVersion: type.apiVersion, kind: type.kind, metadata, ...rest } as unknown as T;
}

/** @param annotations without their domain, autoscaling.knative.dev. */
export function revision(
  annotations: Record<string, string> = {},
  ready = 'True',
  name = REF.name,
): Revision {
  const entries = Object.entries(annotations).map(([key, value]) => [
    `autoscaling.knative.dev/${key}`,
    value,
  ]);
  return object(
    REVISIONS,
    {
      namespace: REF.namespace,
      name,
      uid: uidOf(name),
      labels,
      annotations: Object.fromEntries(entries),
    },
    {
      spec: { containerConcurrency: 80, containers: [{ name: 'app', image: 'app' }] },
      status: { conditions: [{ type: 'Ready', status: ready }] },
    },
  );
}

export function deployment(replicas: number, name = REF.name): Deployment {
  const matchLabels = { [SERVING.revision]: name, [SERVING.revisionUID]: uidOf(name) };
  const metadata = { namespace: REF.namespace, name: deploymentName(name) };
  const containers = [{ name: 'app', image: 'app' }];
  return object(
    DEPLOYMENTS,
    { ...metadata, labels: { ...labels, ...matchLabels } },
    {
      spec: {
        replicas,
        selector: { matchLabels },
        template: { metadata: { labels: matchLabels }, spec: { containers } },
      },
      status: { readyReplicas: replicas },
    },
  );
}

export function pod(name: string, annotations?: Record<string, string>): Pod {
  return object(PODS, { namespace: REF.namespace, name, labels, annotations }, { spec: { containers: [] } });
}

export function route(revisionName = REF.name, name = 'hello'): Route {
  const traffic = [{ revisionName, percent: 100 }];
  return object(ROUTES, { namespace: REF.namespace, name }, { spec: {}, status: { traffic } });
}

/** @param annotations without their domain, run.googleapis.com. */
export function service(annotations: Record<string, string>): Service {
  const entries = Object.entries(annotations).map(([key, value]) => [`run.googleapis.com/${key}`, value]);
  const metadata = { namespace: REF.namespace, name: 'hello', annotations: Object.fromEntries(entries) };
  return object(SERVICES, metadata, { spec: {} });
}
