import { readFileSync } from 'node:fs';
import type * as Type from 'typebox';
import type { FieldError } from './apis/fieldError.ts';
import { schemaErrors } from './apis/schemaValidation.ts';
import { ConfigSchema } from './config/schema.ts';

/** What a process reads of the chart's values. */
export type Config = Type.Static<typeof ConfigSchema>;

function isMap(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Why a rule is there, where its pattern does not say it. */
function reasonOf({ path, value }: FieldError): string {
  const isPlain = typeof value === 'string' && value.startsWith('http:');
  if (!isPlain || !/\.issuers\[\d+\]\.issuer$/.test(path)) return '';
  return '; use https: over plain HTTP anyone on the path could answer with keys of their own';
}

/** What {@link withDefaults} reads of a schema. */
interface DefaultedSchema {
  default?: unknown;
  properties?: Record<string, DefaultedSchema>;
}

/** What a process knows of itself, from the downward API. */
export interface Identity {
  namespace: string;
  podName: string;
  /** Unset outside a pod. */
  podIP?: string;
}

export class ConfigError extends Error {
  readonly code = 'CONFIG_INVALID';
}

/**
 * The configuration with its defaults filled in.
 * @throws {ConfigError} naming the field, its value and what is allowed.
 */
export function parseConfig(input: unknown): Config {
  const filled = withDefaults(ConfigSchema as DefaultedSchema, input ?? {});
  const [error] = schemaErrors(ConfigSchema, filled, 'configuration');
  if (error) throw new ConfigError(`${error.path}: ${error.message}${reasonOf(error)}`);
  const unknown = Object.keys(filled as Config).find((name) => !(name in ConfigSchema.properties));
  if (unknown) throw new ConfigError(`configuration.${unknown}: there is no such field`);
  return filled as Config;
}

/**
 * The value with the schema's defaults where it says nothing. (`typebox/value` would do it too, and the check; loaded, it
 * is 4 MB in each process.)
 */
function withDefaults(schema: DefaultedSchema, value: unknown): unknown {
  const given = value === undefined ? structuredClone(schema.default) : value;
  if (!schema.properties || !isMap(given)) return given;
  const filled: Record<string, unknown> = { ...given };
  for (const [name, property] of Object.entries(schema.properties)) {
    const part = withDefaults(property, filled[name]);
    if (part !== undefined) filled[name] = part;
  }
  return filled;
}

/**
 * Reads the file that HOMERUN_CONFIG names; all defaults when it names none.
 * @throws {ConfigError} when the file cannot be read, is not JSON or breaks the schema.
 */
export function loadConfig(env: NodeJS.ProcessEnv): Config {
  const path = env.HOMERUN_CONFIG;
  if (!path) return parseConfig({});
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new ConfigError(`configuration: cannot read ${path}`, { cause });
  }
  try {
    return parseConfig(JSON.parse(text));
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    throw new ConfigError(`configuration: ${path} is not JSON`, { cause });
  }
}

/** The pod's own name, namespace and address (POD_NAME, POD_NAMESPACE, POD_IP). */
export function identityOf(env: NodeJS.ProcessEnv): Identity {
  return {
    namespace: env.POD_NAMESPACE ?? 'homerun-system',
    podName: env.POD_NAME ?? `local-${process.pid}`,
    podIP: env.POD_IP || undefined,
  };
}
