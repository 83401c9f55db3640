import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubeClient } from '../../operator/kube/client.ts';
import type { Role } from '../../operator/roles.ts';
import type { ApiServer } from '../../operator/testing/apiServer.ts';
import { CHART, helm, NAMESPACE } from './helm.ts';

/** The cluster as a role of Homerun's sees it, with the permissions that the chart gives to its account. */
export function asRole({ connection }: Pick<KubeClient, 'connection'>, role: Role): KubeClient {
  const user = `system:serviceaccount:${NAMESPACE}:homerun-${role}`;
  const headers = async () => ({ ...(await connection.headers()), 'impersonate-user': user });
  return new KubeClient({ server: connection.server, dispatcher: connection.dispatcher, headers });
}

/** Installs the chart, or a copy of it, on an API server of a test, where nothing runs its pods. */
export function installChart({ kubeconfig }: ApiServer, values: object = {}, chart = CHART): void {
  const work = mkdtempSync(join(tmpdir(), 'homerun-chart-'));
  const env = { ...process.env, KUBECONFIG: kubeconfig, HELM_CACHE_HOME: work, HELM_CONFIG_HOME: work };
  try {
    const input = JSON.stringify(values);
    helm(['install', 'homerun', chart, '--namespace', NAMESPACE, '--create-namespace', '-f', '-'], {
      env,
      input,
    });
  } finally {
    rmSync(work, { recursive: true });
  }
}
