import { SERVING } from '../../apis/labels.ts';
import type { Pod, ServiceAccount } from '../../kube/core.ts';

/** The moment at which the pods of tests were made. */
export const EPOCH = Date.parse('2026-01-01T00:00:00Z');

export interface PodFields {
  namespace?: string;
  uid?: string;
  ip?: string;
  ips?: string[];
  node?: string;
  phase?: string;
  account?: string;
  labels?: Record<string, string>;
  hostNetwork?: boolean;
  restartPolicy?: string;
  deleting?: boolean;
  scheduledAt?: number;
}

/** A running instance of a service, as the API server would hold it, with what the test says changed. */
export function instance(name: string, fields: PodFields = {}): Pod {
  const { namespace = 'shop', ip, node = 'node-1', scheduledAt = EPOCH, ips = ip ? [ip] : [] } = fields;
  const time = (ms: number) => new Date(ms).toISOString().replace('.000', '');
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace,
      uid: fields.uid ?? `uid-${name}`,
      labels: fields.labels ?? { [SERVING.revision]: 'hello-00001-abc', app: 'hello' },
      creationTimestamp: time(EPOCH),
      // A fake API server keeps what is being deleted only while something holds it back, as its grace period does.
      ...(fields.deleting ? { deletionTimestamp: time(EPOCH), finalizers: ['example.com/grace'] } : {}),
    },
    spec: {
      nodeName: node,
      serviceAccountName: fields.account ?? 'worker',
      restartPolicy: fields.restartPolicy ?? 'Always',
      hostNetwork: fields.hostNetwork,
      containers: [{ name: 'app', image: 'app' }],
    },
    status: {
      phase: fields.phase ?? (ip ? 'Running' : 'Pending'),
      podIP: ip,
      podIPs: ips.map((each) => ({ ip: each })),
      conditions: [{ type: 'PodScheduled', status: 'True', lastTransitionTime: time(scheduledAt) }],
    },
  } as unknown as Pod;
}

export function account(namespace: string, name: string): ServiceAccount {
  return { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace, name } } as ServiceAccount;
}
