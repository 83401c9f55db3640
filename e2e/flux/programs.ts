import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ApiServer } from '../../operator/testing/apiServer.ts';
import { freePort } from '../../operator/testing/freePort.ts';
import { makeNamespaces } from '../../operator/testing/installKinds.ts';
import { toolFolder } from '../chart/helm.ts';
import { Programs } from '../lib/programs.ts';
import { kubectl } from '../lib/tools.ts';
import { FLUX } from './kustomizations.ts';

const NAME = 'kustomize-controller';

/** Flux's kustomize-controller, and what it has applied. */
export interface Controller {
  programs: Programs;
  /**
   * What it made of the objects of a Kustomization each time that it applied them, the oldest first: `created`,
   * `configured` or `unchanged` by Kind/namespace/name.
   */
  applied(kustomization: string): Record<string, string>[];
}

/** Makes Flux's kinds on an API server: those that it reads. */
export async function installFlux(server: ApiServer): Promise<void> {
  await makeNamespaces(server, FLUX);
  await kubectl(server, ['apply', '--server-side', '-f', join(toolFolder('flux'), 'crds')]);
  await kubectl(server, ['wait', 'crd', '--all', '--for=condition=Established']);
}

/**
 * Starts Flux's kustomize-controller beside an API server.
 * @param folder where it writes.
 */
export async function startFlux({ kubeconfig }: ApiServer, folder: string): Promise<Controller> {
  const [metrics, health] = [await freePort(), await freePort()];
  const programs = new Programs(folder);
  const flags = [
    `--metrics-addr=127.0.0.1:${metrics}`,
    `--health-addr=127.0.0.1:${health}`,
    '--watch-all-namespaces',
    // The cases of health wait side by side.
    '--concurrent=40',
    '--requeue-dependency=1s',
    '--log-encoding=json',
  ];
  const env = { KUBECONFIG: kubeconfig, RUNTIME_NAMESPACE: FLUX, TMPDIR: folder };
  programs.run(NAME, [join(toolFolder('flux'), NAME), ...flags], env);
  return { programs, applied: (name) => appliedIn(readFileSync(join(folder, `${NAME}.log`), 'utf8'), name) };
}

interface LogEntry {
  msg: string;
  name?: string;
  output?: Record<string, string>;
}

/** Lines of libraries may not be JSON, and the last one may not be complete. */
function appliedIn(log: string, kustomization: string): Record<string, string>[] {
  const lines = log.split('\n').slice(0, -1);
  const entries = lines.flatMap((line): LogEntry[] => (line.startsWith('{"') ? [JSON.parse(line)] : []));
  return entries.flatMap(({ msg, name, output }) =>
    msg === 'server-side apply completed' && name === kustomization && output ? [output] : [],
  );
}
