import { parseArgs } from 'node:util';
import manifest from '../../package.json' with { type: 'json' };
import { ConfigError, identityOf } from '../config.ts';
import { ownClient } from '../kube/ownClient.ts';
import { diagnose } from './diagnose.ts';
import { gather } from './gather.ts';
import { asJson, asText } from './print.ts';
import { reachInside, reachOutside } from './reach.ts';

const OUTPUTS = { text: asText, json: asJson };

/** Something does not work; what it is has been printed. */
export class UnwellError extends Error {
  readonly code = 'UNWELL';
}

/**
 * `homerun doctor [--output text|json] [--namespace NAME]`: prints whether all is well and what is not, as a pod of the
 * operator or as a person with a kubeconfig.
 * @throws {UnwellError} when something has failed; warnings are no failure.
 * @throws {ConfigError} when the arguments are not these.
 */
export async function runDoctor(args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  const { output, namespace } = optionsOf(args, env);
  const client = await ownClient();
  const reach = env.HOMERUN_CONFIG ? reachInside(env) : reachOutside(client, namespace);
  const { version } = manifest;
  const findings = diagnose(await gather({ client, reach, namespace, version, now: Date.now }));
  process.stdout.write(OUTPUTS[output](findings));
  const failed = findings.filter(({ state }) => state === 'failed').length;
  if (failed > 0) throw new UnwellError(`${failed} of ${findings.length} findings are failures`);
}

function optionsOf(args: readonly string[], env: NodeJS.ProcessEnv) {
  const { output, namespace } = parsed(args);
  if (!isOutput(output))
    throw new ConfigError(`doctor: --output is ${JSON.stringify(output)}; it must be text or json`);
  return { output, namespace: namespace ?? identityOf(env).namespace };
}

function parsed(args: readonly string[]) {
  const options = { output: { type: 'string', default: 'text' }, namespace: { type: 'string' } } as const;
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (cause) {
    throw new ConfigError(`doctor: ${(cause as Error).message}`, { cause });
  }
}

function isOutput(name: string): name is keyof typeof OUTPUTS {
  return Object.hasOwn(OUTPUTS, name);
}
