import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import { KINDS } from '../../operator/apis/kinds.ts';
import { bytes } from '../../operator/apis/quantity.ts';
import { bundle } from '../../operator/generate/bundle.ts';
import type { Role } from '../../operator/roles.ts';
import { FakeApiServer } from '../../operator/testing/fakeApiServer.ts';
import { CONFIGURATION_TYPES } from '../../operator/webhook/certificates/caBundle.ts';

const ROOT = resolve(import.meta.dirname, '../..');
/** As the chart sets it (templates/_pod.tpl). */
const HEAP_SHARE = 0.5;
export const SYSTEM = 'homerun-system';

/** A fake API server with all of our kinds. */
export function fakeCluster(): Promise<FakeApiServer> {
  const ours = KINDS.map(({ group, version, kind, plural }) => ({
    apiVersion: `${group}/${version}`,
    kind,
    plural,
    namespaced: true,
  }));
  return FakeApiServer.start({ types: [...ours, ...CONFIGURATION_TYPES] });
}

export interface RoleOptions {
  server: FakeApiServer;
  /** An empty folder, for the bundle and its configuration. */
  folder: string;
  /** What differs from the configuration's defaults. */
  config: object;
}

/** A role in a process of its own, as it runs in a pod: our bundle with what the chart sets for it. */
export async function startRole(role: Role, { server, folder, config }: RoleOptions): Promise<ChildProcess> {
  await bundle(ROOT, join(folder, 'bundle'));
  const kubeconfig = join(folder, 'kubeconfig');
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'test', cluster: { server: server.connection.server } }],
      users: [{ name: 'test', user: {} }],
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
      'current-context': 'test',
    }),
  );
  const file = join(folder, 'config.json');
  writeFileSync(file, JSON.stringify({ logLevel: 'warn', ...config }));
  const child = spawn(
    process.execPath,
    [`--max-old-space-size=${heapMebibytes(role)}`, join(folder, 'bundle/main.js'), role],
    {
      env: {
        ...process.env,
        KUBECONFIG: kubeconfig,
        HOMERUN_CONFIG: file,
        POD_NAMESPACE: SYSTEM,
        POD_NAME: role,
        // As the chart sets them (templates/_pod.tpl).
        NODE_OPTIONS: `--max-semi-space-size=${role === 'gateway' ? 2 : 4}`,
        MALLOC_ARENA_MAX: '1',
        MALLOC_TRIM_THRESHOLD_: '131072',
      },
      stdio: ['ignore', 'inherit', 'inherit'],
    },
  );
  await once(child, 'spawn');
  return child;
}

/** What Node takes for the heap of a role in a pod of the chart. */
function heapMebibytes(role: Role): number {
  const values = parse(readFileSync(join(ROOT, 'charts/homerun/values.yaml'), 'utf8'));
  return Math.floor((bytes(values[role].resources.limits.memory) * HEAP_SHARE) / 2 ** 20);
}
