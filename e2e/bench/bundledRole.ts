import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { KINDS } from '../../operator/apis/kinds.ts';
import { bundle } from '../../operator/generate/bundle.ts';
import type { Pod } from '../../operator/kube/core.ts';
import type { Role } from '../../operator/roles.ts';
import { FakeApiServer } from '../../operator/testing/fakeApiServer.ts';
import { serverCertificate, testAuthority } from '../../operator/testing/serverCertificate.ts';
import { CONFIGURATION_TYPES } from '../../operator/webhook/certificates/caBundle.ts';
import { objectOf, render } from '../chart/helm.ts';
import { roleCommand } from '../lib/roleCommand.ts';

const ROOT = resolve(import.meta.dirname, '../..');
export const SYSTEM = 'homerun-system';

/** A fake API server with all of our kinds, over TLS as a real one. */
export async function fakeCluster(): Promise<FakeApiServer> {
  const ours = KINDS.map(({ group, version, kind, plural }) => ({
    apiVersion: `${group}/${version}`,
    kind,
    plural,
    namespaced: true,
  }));
  const { certificate: cert, key } = await serverCertificate(['127.0.0.1']);
  const tls = { cert, key, ca: await testAuthority() };
  return FakeApiServer.start({ types: [...ours, ...CONFIGURATION_TYPES], tls });
}

export interface RoleOptions {
  server: FakeApiServer;
  /** An empty folder, for the bundle and its configuration. */
  folder: string;
  /** What differs from the configuration's defaults. */
  config: object;
}

/** A role in a process of its own, as it runs in a pod of the chart. */
export async function startRole(role: Role, { server, folder, config }: RoleOptions): Promise<ChildProcess> {
  await bundle(ROOT, join(folder, 'bundle'));
  const ca = join(folder, 'authority.pem');
  writeFileSync(ca, await testAuthority());
  const own = join(folder, role);
  const { command, env } = roleCommand({
    template: templateOf(role),
    bundle: join(folder, 'bundle'),
    folder: own,
    config: JSON.stringify({ logLevel: 'warn', ...config }),
    apiServer: { port: new URL(server.connection.server).port, ca },
    token: 'bench',
    namespace: SYSTEM,
    podName: role,
  });
  const [file, ...args] = command;
  const options = { cwd: own, env: { ...process.env, ...env } };
  const child = spawn(file, args, { ...options, stdio: ['ignore', 'inherit', 'inherit'] });
  await once(child, 'spawn');
  return child;
}

/** The template of a role's pods, as the chart renders it. */
function templateOf(role: Role): Pick<Pod, 'spec'> {
  const { spec } = objectOf(render({ api: { enabled: true } }), 'Deployment', role);
  return (spec as { template: Pick<Pod, 'spec'> }).template;
}
