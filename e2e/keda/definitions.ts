import { execFile, execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ApiServer } from '../../operator/testing/apiServer.ts';
import { toolFolder } from '../chart/helm.ts';

const MODULE = 'github.com/kedacore/keda/v2';

/** The folder with the source of KEDA, in the version of this folder's Go module; it is downloaded if it is missing. */
function sourceFolder(): string {
  const env = { ...process.env, GOFLAGS: '-mod=readonly' };
  const args = ['mod', 'download', '-json', MODULE];
  return JSON.parse(execFileSync('go', args, { cwd: import.meta.dirname, env, encoding: 'utf8' })).Dir;
}

/** What kubectl prints. A warning is an error. */
export async function kubectl(
  { kubeconfig }: ApiServer,
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

const MANIFESTS = [
  'general/namespace.yaml',
  'crd/bases',
  'service_account/service_account.yaml',
  'rbac/role.yaml',
  'rbac/role_binding.yaml',
  'metrics-server/role_binding.yaml',
];

/** Makes KEDA's kinds, its namespace and the roles of its account on an API server. */
export async function installKeda(server: ApiServer): Promise<void> {
  const config = join(sourceFolder(), 'config');
  const files = MANIFESTS.flatMap((path) => ['-f', join(config, path)]);
  await kubectl(server, ['apply', '--server-side', ...files]);
  await kubectl(server, ['wait', 'crd', '--all', '--for=condition=Established']);
}

/** A parameter of a scaler, as KEDA's own tool finds it in the source (schema/generated). */
export interface Parameter {
  name: string;
  optional?: boolean;
  default?: string;
  deprecated?: string;
  deprecatedAnnounce?: string;
  allowedValue?: string[];
  metadataVariableReadable?: boolean;
  envVariableReadable?: boolean;
  triggerAuthenticationVariableReadable?: boolean;
}

let known: Map<string, Parameter[]> | undefined;

/** The parameters of each type of trigger. */
export function scalers(): Map<string, Parameter[]> {
  known ??= readScalers();
  return known;
}

function readScalers(): Map<string, Parameter[]> {
  const text = readFileSync(join(sourceFolder(), 'schema/generated/scalers-schema.json'), 'utf8');
  const { scalers } = JSON.parse(text) as { scalers: { type: string; parameters: Parameter[] }[] };
  return new Map(scalers.map(({ type, parameters }) => [type, parameters]));
}
