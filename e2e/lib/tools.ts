import { execFile, execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ApiServer } from '../../operator/testing/apiServer.ts';
import { toolFolder } from '../chart/helm.ts';

/** What kubectl prints. A warning is an error. */
export async function kubectl(
  { kubeconfig }: Pick<ApiServer, 'kubeconfig'>,
  args: readonly string[],
  input = '',
): Promise<string> {
  const program = join(toolFolder('kube'), 'kubectl');
  const options = ['--kubeconfig', kubeconfig, '--warnings-as-errors'];
  // The webhook may run in this process, which must not wait.
  const running = promisify(execFile)(program, [...options, ...args]);
  running.child.stdin?.end(input);
  return (await running).stdout;
}

/** The folder with the source of a Go module that the module in `folder` requires; it is downloaded if it is missing. */
export function sourceFolder(folder: string, module: string): string {
  const env = { ...process.env, GOFLAGS: '-mod=readonly' };
  const args = ['mod', 'download', '-json', module];
  return JSON.parse(execFileSync('go', args, { cwd: folder, env, encoding: 'utf8' })).Dir;
}
