import type { KubeClient } from '../../operator/kube/client.ts';
import { BATCH_JOBS, type BatchJob } from '../../operator/kube/core.ts';
import { HELLO_IMAGE } from '../lib/services.ts';

const REF = { namespace: 'default', name: 'canary' };
const JOB = {
  apiVersion: BATCH_JOBS.apiVersion,
  kind: BATCH_JOBS.kind,
  metadata: REF,
  spec: {
    template: {
      spec: {
        restartPolicy: 'Never',
        containers: [{ name: 'hello', image: HELLO_IMAGE, env: [{ name: 'TASK', value: '1' }] }],
      },
    },
  },
} as BatchJob;

/**
 * Whether Kubernetes does its work again, all of it: a Job of its own, made at the first call, has run. A component that
 * answers may still wait, for up to a minute, before it watches again what was cut off (client-go, backoff of reflectors).
 */
export function canary(client: KubeClient): () => Promise<boolean> {
  let isMade = false;
  return async () => {
    if (!isMade) await client.apply(BATCH_JOBS, JOB, { fieldManager: 'chaos' });
    isMade = true;
    const job = await client.get(BATCH_JOBS, REF);
    if (!job?.status?.succeeded) return false;
    await client.delete(BATCH_JOBS, REF);
    return true;
  };
}
