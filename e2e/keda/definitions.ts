import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ApiServer } from '../../operator/testing/apiServer.ts';
import { kubectl, sourceFolder } from '../lib/tools.ts';

const MODULE = 'github.com/kedacore/keda/v2';

const source = () => sourceFolder(import.meta.dirname, MODULE);

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
  const config = join(source(), 'config');
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
  const text = readFileSync(join(source(), 'schema/generated/scalers-schema.json'), 'utf8');
  const { scalers } = JSON.parse(text) as { scalers: { type: string; parameters: Parameter[] }[] };
  return new Map(scalers.map(({ type, parameters }) => [type, parameters]));
}
