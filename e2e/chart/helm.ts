import { type ExecFileSyncOptions, execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from '../../operator/kube/types.ts';

/** The chart's folder. */
export const CHART = fileURLToPath(new URL('../../charts/homerun', import.meta.url));
export const NAMESPACE = 'homerun-system';

const toolScript = fileURLToPath(new URL('../cluster/tool', import.meta.url));

/** The folder of a tool of the test cluster, which is built first if it is not cached. */
export function toolFolder(name: string): string {
  return execFileSync(toolScript, [name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();
}

let folder: string | undefined;

/**
 * Runs the pinned Helm and gives what it prints.
 * @throws an error whose `stderr` is what Helm said.
 */
export function helm(args: string[], options: ExecFileSyncOptions = {}): string {
  folder ??= toolFolder('helm');
  const output = execFileSync(join(folder, 'helm'), args, { stdio: 'pipe', maxBuffer: 64 << 20, ...options });
  return output.toString();
}

/** An object of the chart with whatever fields it has. */
export type Rendered = KubeObject & Record<string, unknown>;

/**
 * The objects that the chart makes of some values, without a cluster.
 * @param options.templates only those of these files, which is quicker.
 * @throws when the values are refused.
 */
export function render(
  values: object = {},
  { kubeVersion = '1.34.0', templates = [] }: { kubeVersion?: string; templates?: string[] } = {},
): Rendered[] {
  const only = templates.flatMap((name) => ['-s', `templates/${name}.yaml`]);
  const settings = ['--namespace', NAMESPACE, '--kube-version', kubeVersion, '-f', '-'];
  const input = JSON.stringify(values);
  const text = helm(['template', 'homerun', CHART, ...settings, ...only], { input });
  const documents = parseAllDocuments(text);
  return documents.map((document) => document.toJS() as Rendered | null).filter((object) => object !== null);
}

/** What Helm said when it failed. */
export function refusal(attempt: () => unknown): string {
  try {
    attempt();
  } catch (error) {
    return String((error as { stderr?: Buffer }).stderr ?? error);
  }
  throw new Error('Helm did not refuse');
}

/** Paths of all that is no section; free maps and lists count as one value. */
export function leaves(values: Record<string, unknown>, path = ''): string[] {
  const isSection = (value: unknown): value is Record<string, unknown> =>
    typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0;
  return Object.entries(values)
    .flatMap(([name, value]) =>
      isSection(value) && name !== 'resources' ? leaves(value, `${path}${name}.`) : [`${path}${name}`],
    )
    .sort();
}
