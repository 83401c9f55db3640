import { rm } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { parseSource } from '../apis/sourceUrl.ts';
import type { KubeClient } from '../kube/client.ts';
import { CONFIG_MAPS } from '../kube/core.ts';
import { CONTACT, contactOf } from './contact.ts';
import { SourceError } from './errors.ts';
import { EXIT } from './exit.ts';
import { fetchSource } from './fetch.ts';
import { SOURCE_LIMITS } from './limits.ts';
import { type Unpacked, unpack } from './unpack.ts';

/** What the container that unpacks a source is started with; pod/source.ts makes these. */
const OPTIONS = {
  /** `gs://BUCKET/OBJECT#GENERATION`. */
  source: { type: 'string', default: '' },
  /** The folder that becomes the source. */
  into: { type: 'string', default: '' },
  /** Where the archive is meanwhile. */
  archive: { type: 'string', default: '' },
  /** File with the token for the Admin API. */
  token: { type: 'string', default: '' },
  /** The operator's namespace. */
  namespace: { type: 'string', default: '' },
} as const;

/**
 * `homerun unpack`: gets the source of an instance and unpacks it, before its program starts. It can be repeated after any
 * end.
 * @throws {SourceError}
 */
export async function unpackCommand(args: string[], client: () => Promise<KubeClient>): Promise<Unpacked> {
  const { values } = parseArgs({ args, options: OPTIONS });
  const { source, into, archive, token, namespace } = values;
  const object = parseSource(source);
  if (!object)
    throw new SourceError('SOURCE_MISSING', `The source ${source} is no gs://BUCKET/OBJECT#GENERATION.`);
  const contact = contactOf(await contactMapOf(namespace, client));
  await fetchSource(object, contact, { token, into: archive, most: SOURCE_LIMITS.archiveBytes });
  try {
    return await unpack(archive, into);
  } finally {
    await rm(archive, { force: true });
  }
}

async function contactMapOf(namespace: string, client: () => Promise<KubeClient>) {
  try {
    return await (await client()).get(CONFIG_MAPS, { namespace, name: CONTACT });
  } catch (cause) {
    const message = `The API server cannot be asked where sources are kept: ${(cause as Error).message}.`;
    throw new SourceError('SOURCE_UNAVAILABLE', message, { cause });
  }
}

/** The exit code that stands for an error. */
export function exitCodeOf(error: unknown): number {
  if (!(error instanceof SourceError)) return 1;
  return error.code === 'SOURCE_UNAVAILABLE' ? EXIT.later : EXIT.refused;
}
