import { type ExecFileSyncOptions, execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
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
  // Each run ends before it would have to collect garbage, which took a third of its time.
  const env = { ...(options.env ?? process.env), GOGC: 'off' };
  const settings = { stdio: 'pipe', maxBuffer: 64 << 20, ...options, env } as const;
  return execFileSync(join(folder, 'helm'), args, settings).toString();
}

/** What takes the place of a definition in a copy of the chart; nothing does when it gives undefined. */
type DefinitionOf = (text: string, file: string) => string | undefined;

export const withoutDefinition: DefinitionOf = () => undefined;

/** With a schema that takes any fields, which Helm and an API server read in no time. */
export const withOpenSchema = (text: string): string => {
  const [head] = text.split(/^ +schema:$/m, 1);
  return `${head}      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}\n`;
};

const copies = new Map<DefinitionOf, string>();

/**
 * The folder of a copy of the chart, for tests that are not about its definitions: they are most of it, and Helm spends
 * most of its time on them. It is made once for each `definitionOf`, and lasts as long as this process.
 */
export function chartCopy(definitionOf: DefinitionOf): string {
  const present = copies.get(definitionOf);
  if (present) return present;
  const copy = copyOf(CHART, definitionOf);
  copies.set(definitionOf, copy);
  return copy;
}

/** The same of any chart's folder, made anew. */
export function copyOf(chart: string, definitionOf: DefinitionOf): string {
  const folder = temporaryFolder();
  const [from, to] = [chart, folder].map((each) => join(each, 'files/crds')) as [string, string];
  cpSync(chart, folder, { recursive: true, filter: (path) => path !== from });
  mkdirSync(to);
  for (const file of readdirSync(from)) {
    const text = definitionOf(readFileSync(join(from, file), 'utf8'), file);
    if (text !== undefined) writeFileSync(join(to, file), text);
  }
  return folder;
}

/** An empty folder that lasts as long as this process. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'homerun-chart-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** An object of the chart with whatever fields it has. */
export type Rendered = KubeObject & Record<string, unknown>;

/**
 * The objects that the chart makes of some values, without a cluster.
 * @param options.chart the chart without its definitions when left out, which is quicker.
 * @param options.templates only those of these files, which is quicker.
 * @throws when the values are refused.
 */
export function render(
  values: object = {},
  {
    chart = chartCopy(withoutDefinition),
    kubeVersion = '1.34.0',
    templates = [],
    release = 'homerun',
    namespace = NAMESPACE,
  }: {
    chart?: string;
    kubeVersion?: string;
    templates?: string[];
    release?: string;
    namespace?: string;
  } = {},
): Rendered[] {
  const only = templates.flatMap((name) => ['-s', `templates/${name}.yaml`]);
  const settings = ['--namespace', namespace, '--kube-version', kubeVersion, '-f', '-'];
  const input = JSON.stringify(values);
  const text = helm(['template', release, chart, ...settings, ...only], { input });
  const documents = parseAllDocuments(text);
  return documents.map((document) => document.toJS() as Rendered | null).filter((object) => object !== null);
}

/** The object of a kind that the chart has made for a role. @throws when there is none. */
export function objectOf(objects: readonly Rendered[], kind: string, role: string): Rendered {
  const found = objects.find((object) => object.kind === kind && object.metadata.name === `homerun-${role}`);
  if (!found) throw new Error(`the chart renders no ${kind} for the ${role}`);
  return found;
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
