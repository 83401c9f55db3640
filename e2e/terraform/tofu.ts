import { execFile } from 'node:child_process';
import { copyFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { GcloudTarget } from '../../operator/api/testing/gcloud.ts';
import { toolFolder } from '../chart/helm.ts';

/** The folder with the configurations. */
const CONFIGURATIONS = fileURLToPath(new URL('configurations', import.meta.url));

type Values = Readonly<Record<string, unknown>>;

/** What a plan would do with one resource. */
export interface Change {
  address: string;
  /** `create`, `update`, `delete`; two of them for a replacement; none for an import that changes nothing. */
  actions: readonly string[];
  importing: boolean;
  /** The arguments that it changes. */
  changed: readonly string[];
}

/** A block of a schema, as `tofu providers schema` prints it. */
export interface Block {
  attributes?: Record<string, { optional?: boolean; required?: boolean }>;
  block_types?: Record<string, { block: Block }>;
}

/** A resource of the state. */
export interface Resource {
  address: string;
  type: string;
  values: Values;
}

/** A resource as the configuration has it: its arguments, and each block as a list of such maps. */
export interface Configured {
  mode: 'managed' | 'data';
  type: string;
  expressions: Values;
}

/** What an apply would do. */
export interface Plan {
  /** None where there is nothing to do; data sources do not count. */
  changes: Change[];
  configured: Configured[];
}

/** OpenTofu with one of the configurations, and a state of its own. */
export interface Tofu {
  /** Variables of the configuration; what is set here counts from the next command on. */
  variables: Record<string, string>;
  apply(): Promise<void>;
  /** Applies what must fail, and gives what was said of each resource, by its address; '' is what concerns none of them. */
  refused(): Promise<Map<string, string>>;
  plan(): Promise<Plan>;
  destroy(): Promise<void>;
  resources(): Promise<Resource[]>;
  output(): Promise<Values>;
  /** The schemas of the provider's resources. */
  schemas(): Promise<Record<string, { block: Block }>>;
  /** Forgets the state; the next apply imports these resources. */
  importInstead(ids: Readonly<Record<string, string>>): void;
  remove(): void;
}

/**
 * OpenTofu with Google's provider, both as they are built here: nothing is downloaded.
 * @param configuration the name of a folder of configurations, or resources in the JSON syntax: type -> name -> arguments.
 */
export function tofuFor(
  { address, port, ...target }: GcloudTarget,
  configuration: string | Readonly<Record<string, object>>,
): Tofu {
  const folder = mkdtempSync(join(tmpdir(), 'homerun-tofu-'));
  copyConfiguration(CONFIGURATIONS, folder);
  if (typeof configuration === 'string') copyConfiguration(join(CONFIGURATIONS, configuration), folder);
  else writeFileSync(join(folder, 'main.tf.json'), JSON.stringify({ resource: configuration }));
  writeFileSync(join(folder, 'ca.pem'), target.authority);
  const provider = toolFolder('terraform-provider-google');
  const overrides = `dev_overrides {\n "hashicorp/google" = ${JSON.stringify(provider)}\n }`;
  writeFileSync(join(folder, 'settings.rc'), `provider_installation {\n ${overrides}\n}\n`);
  const variables: Record<string, string> = {
    endpoint: `https://${address}:${port}`,
    token: target.token,
    project: target.project,
    region: target.region,
  };
  const program = join(toolFolder('tofu'), 'tofu');
  const run = async (...args: string[]): Promise<string> => {
    const env = {
      HOME: folder,
      PATH: process.env.PATH,
      TF_CLI_CONFIG_FILE: join(folder, 'settings.rc'),
      TF_IN_AUTOMATION: '1',
      SSL_CERT_FILE: join(folder, 'ca.pem'),
      // For the one data source that asks run.googleapis.com whatever the endpoint is.
      HTTPS_PROXY: `http://${address}:${port}`,
      ...Object.fromEntries(Object.entries(variables).map(([name, value]) => [`TF_VAR_${name}`, value])),
    };
    const options = { cwd: folder, env, timeout: 300_000, maxBuffer: 64 << 20 };
    try {
      return (await promisify(execFile)(program, args, options)).stdout;
    } catch (cause) {
      const { stdout = '', stderr = '' } = cause as { stdout?: string; stderr?: string };
      throw new TofuError(args, stdout, stderr, { cause });
    }
  };
  const quiet = ['-input=false', '-no-color'];
  const shown = async (...args: string[]) => JSON.parse(await run('show', '-json', ...args));
  return {
    variables,
    apply: async () => void (await run('apply', ...quiet, '-auto-approve')),
    async refused() {
      try {
        await run('apply', '-json', '-input=false', '-auto-approve');
      } catch (error) {
        if (error instanceof TofuError) return errorsOf(error.stdout);
        throw error;
      }
      throw new Error('tofu has applied a configuration that must be refused');
    },
    async plan() {
      await run('plan', ...quiet, '-out=next.tfplan');
      const { resource_changes: planned = [], configuration } = await shown('next.tfplan');
      return { changes: changesOf(planned), configured: configuration.root_module.resources };
    },
    destroy: async () => void (await run('destroy', ...quiet, '-auto-approve')),
    resources: async () => (await shown()).values?.root_module.resources ?? [],
    output: async () => JSON.parse(await run('output', '-json', 'data')),
    schemas: async () => {
      const { provider_schemas: schemas } = JSON.parse(await run('providers', 'schema', '-json'));
      return (Object.values(schemas)[0] as { resource_schemas: Record<string, { block: Block }> })
        .resource_schemas;
    },
    importInstead(ids) {
      rmSync(join(folder, 'terraform.tfstate'));
      const blocks = Object.entries(ids).map(
        ([to, id]) => `import {\n to = ${to}\n id = ${JSON.stringify(id)}\n}\n`,
      );
      writeFileSync(join(folder, 'imports.tf'), blocks.join(''));
    },
    remove: () => rmSync(folder, { recursive: true }),
  };
}

/** OpenTofu has failed; `stdout` is what it had to say to programs until then. */
class TofuError extends Error {
  readonly code = 'TOFU';
  readonly stdout: string;

  constructor(args: readonly string[], stdout: string, stderr: string, options: ErrorOptions) {
    super(`tofu ${args.join(' ')} failed:\n${stdout}\n${stderr}`, options);
    this.stdout = stdout;
  }
}

function copyConfiguration(from: string, to: string): void {
  const files = readdirSync(from).filter((name) => name.endsWith('.tf'));
  for (const name of files) copyFileSync(join(from, name), join(to, name));
}

interface Message {
  diagnostic?: { severity: string; summary: string; detail: string; address?: string };
}

/** What the messages of `-json`, a line each, say of resources that failed. */
function errorsOf(output: string): Map<string, string> {
  const messages: Message[] = output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const errors = messages.flatMap(({ diagnostic }) => (diagnostic?.severity === 'error' ? [diagnostic] : []));
  const found = new Map<string, string>();
  for (const { address = '', summary, detail } of errors) {
    found.set(address, [found.get(address), summary, detail].filter(Boolean).join('\n'));
  }
  return found;
}

interface PlannedChange {
  address: string;
  mode: string;
  change: { actions: string[]; before: Values | null; after: Values | null; importing?: object };
}

function changesOf(planned: readonly PlannedChange[]): Change[] {
  return planned.flatMap(({ address, mode, change }) => {
    const actions = change.actions.filter((action) => action !== 'no-op');
    const importing = change.importing !== undefined;
    if (mode !== 'managed' || (actions.length === 0 && !importing)) return [];
    const { before, after } = change;
    const changed = Object.keys(after ?? {}).filter(
      (name) => JSON.stringify(before?.[name]) !== JSON.stringify(after?.[name]),
    );
    return [{ address, actions, importing, changed }];
  });
}
