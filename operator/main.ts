import { ConfigError, type Identity, identityOf, loadConfig } from './config.ts';
import type { KubeClient } from './kube/client.ts';
import type { Role, RoleConfig } from './roles.ts';
import { createLogger, type Logger } from './telemetry/log.ts';
import { watchEventLoop } from './telemetry/metrics/process.ts';
import { surviveRejections } from './telemetry/rejections.ts';
import { tuneV8 } from './v8.ts';

/** What a role does until `signal` aborts. */
type Run<R extends Role> = (
  config: RoleConfig<R>,
  identity: Identity,
  log: Logger,
  signal: AbortSignal,
) => Promise<void>;

/** The same with a client for the API server. */
type ClientRun<R extends Role> = (
  config: RoleConfig<R>,
  identity: Identity,
  client: KubeClient,
  log: Logger,
  signal: AbortSignal,
) => Promise<void>;

/** What each role runs. It is loaded with the role, so that none pays for another. */
const ROLES: { [R in Role]: () => Promise<Run<R>> } = {
  controller: async () => withClient((await import('./controller.ts')).runController),
  webhook: async () => withClient((await import('./webhook/webhook.ts')).runWebhook),
  gateway: async () => withClient((await import('./gateway/control/gateway.ts')).runGateway),
  metadata: async () => withClient((await import('./metadata/metadata.ts')).runMetadata),
  node: async () => (await import('./node/node.ts')).runNode,
  api: async () => withClient((await import('./api/api.ts')).runApi),
};

/** What is no role: it has no configuration. @param args what follows the command's name. */
type Command = (
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  log: Logger,
  signal: AbortSignal,
) => Promise<void>;

/** The two sides of `helm test` (charts/homerun/templates/tests), and what tells whether an installation is well. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  hello: async () => (await import('./check/hello.ts')).runHello,
  check: async () => (await import('./check/check.ts')).runCheck,
  doctor: async () => (await import('./doctor/doctor.ts')).runDoctor,
};

/** Codes of errors that a person can mend: ConfigError, ConnectionError, CheckError and UnwellError. */
const EXPECTED: ReadonlySet<unknown> = new Set([
  'CONFIG_INVALID',
  'KUBE_CONNECTION',
  'CHECK_FAILED',
  'UNWELL',
]);
const USAGE = `usage: homerun ${[...Object.keys(ROLES), ...Object.keys(COMMANDS), 'unpack'].join(' | ')}`;

function isRole(name: string): name is Role {
  return Object.hasOwn(ROLES, name);
}

/** Gives a role its client, which is not loaded for the one that asks the API server nothing. */
function withClient<R extends Role>(run: ClientRun<R>): Run<R> {
  return async (config, identity, log, signal) => {
    const { ownClient } = await import('./kube/ownClient.ts');
    await run(config, identity, await ownClient(), log, signal);
  };
}

/** SIGTERM and SIGINT ask for a clean end; a second one is left to the system and ends at once. */
function stopSignal(log: Logger): AbortSignal {
  const stop = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.once(name, () => {
      log.info({ signal: name }, 'stopping');
      stop.abort();
    });
  }
  return stop.signal;
}

/** `homerun unpack`, which is no role: an instance's own container runs it with a pod's configuration. */
async function unpackSource(args: string[]): Promise<void> {
  const { exitCodeOf, unpackCommand } = await import('./source/command.ts');
  const { ownClient } = await import('./kube/ownClient.ts');
  try {
    const { files, bytes } = await unpackCommand(args, ownClient);
    console.log(`Unpacked ${files} files, ${bytes} bytes.`);
  } catch (error) {
    // The last line becomes the message of the revision's condition.
    console.error((error as Error).message);
    process.exit(exitCodeOf(error));
  }
}

async function main(): Promise<void> {
  const [name = '', ...args] = process.argv.slice(2);
  if (name === 'unpack') return unpackSource(args);
  if (Object.hasOwn(COMMANDS, name)) return runCommand(name, args);
  if (!isRole(name) || args.length > 0) throw new ConfigError(USAGE);
  return runRole(name);
}

async function runCommand(name: string, args: readonly string[]): Promise<void> {
  const log = createLogger(name, 'info');
  const run = await COMMANDS[name]?.();
  await run?.(args, process.env, log, stopSignal(log));
}

async function runRole(role: Role): Promise<void> {
  const config = loadConfig(process.env);
  const log = createLogger(role, config.logLevel);
  // Data threads have a supervisor of their own, and requests in hand that no level of any state brings back.
  if (role !== 'gateway') {
    surviveRejections(log);
    watchEventLoop();
  }
  const signal = stopSignal(log);
  const run = await ROLES[role]();
  await run(config, identityOf(process.env), log, signal);
}

tuneV8();
try {
  await main();
  process.exit(0);
} catch (error) {
  const { code, message } = error as { code?: unknown; message?: unknown };
  console.error(EXPECTED.has(code) ? `homerun: ${message}` : error);
  process.exit(1);
}
