import { resourcePath } from '../../kube/client.ts';
import { PODS, type Pod } from '../../kube/core.ts';
import { isKubeError } from '../../kube/errors.ts';
import { containerStatuses } from '../../kube/pod.ts';
import { SOURCE_CONTAINER } from '../../reconcilers/pod/source.ts';
import { ApiError } from '../errors.ts';
import { withPermission } from '../resources/failure.ts';
import { type BuildScene, findBuild } from './builds.ts';
import { BUILD_CONTAINER } from './names.ts';
import { outcomeOf } from './outcome.ts';

/** Bytes of a log that are shown. Kubelets begin another file after 10 MiB, and with it another first byte. */
export const LONGEST_LOG = 4 << 20;
const SILENCE_MS = 10_000;
const CUT = `\n[The log is longer than ${LONGEST_LOG >> 20} MiB: the rest is not shown.]\n`;

/**
 * The log of a build so far, from a byte on: what unpacked its source, what built it, and how it ended once it is over.
 * Empty where there is no more than that.
 * @throws {ApiError} NOT_FOUND for what is no build, or has not begun; PERMISSION_DENIED.
 */
export async function readBuildLog(
  scene: BuildScene,
  id: string,
  from: number,
  signal: AbortSignal,
): Promise<Buffer> {
  const { job, pod } = await findBuild(scene, id);
  const containers = pod ? begun(pod) : [];
  if (!pod || containers.length === 0) {
    throw new ApiError('NOT_FOUND', `Build '${id}' has no log: it has not begun, or its pod is gone.`);
  }
  const cut = new Cut(from);
  for (const container of containers) {
    for await (const chunk of logOf(scene, pod, container, { limit: cut.left, signal })) {
      if (cut.push(chunk)) return cut.taken(CUT);
    }
  }
  return cut.taken(ending(outcomeOf(job, pod)));
}

/** The containers that have written something, in their order. */
function begun(pod: Pod): string[] {
  const statuses = containerStatuses(pod);
  return [SOURCE_CONTAINER, BUILD_CONTAINER].filter((container) =>
    statuses.some(({ name, state }) => name === container && (state?.running || state?.terminated)),
  );
}

async function* logOf(
  { client, place }: BuildScene,
  { metadata }: Pod,
  container: string,
  { limit, signal }: { limit: number; signal: AbortSignal },
): AsyncGenerator<Buffer, void, undefined> {
  const path = resourcePath(PODS, metadata, 'log');
  const query = { container, limitBytes: limit };
  const options = { query, signal, timeoutMs: SILENCE_MS, bodyTimeoutMs: SILENCE_MS, verb: 'log' };
  const stream = client.stream(path, options);
  const next = () =>
    withPermission('cloudbuild.builds.get', `projects/${place.project}`, () => stream.next());
  try {
    for (let part = await next(); !part.done; part = await next()) yield part.value;
  } catch (error) {
    // The container is not there any more.
    const { cause } = error as ApiError;
    if (isKubeError(cause, 'KUBE_NOT_FOUND') || (isKubeError(cause) && cause.status === 400)) return;
    throw error;
  } finally {
    await stream.return(undefined);
  }
}

/** The last line of a log that is complete, as Cloud Build ends it. */
function ending({ status, detail = '' }: ReturnType<typeof outcomeOf>): string {
  if (status === 'QUEUED' || status === 'WORKING') return '';
  if (status === 'SUCCESS') return 'DONE\n';
  const [first] = detail.split('\n');
  return `ERROR: ${first}\n`;
}

/** Leaves out the first bytes of what it is given, and all beyond the longest log. */
class Cut {
  readonly #pieces: Buffer[] = [];
  #skip: number;
  #seen = 0;

  constructor(from: number) {
    this.#skip = from;
  }

  get left(): number {
    return Math.max(1, LONGEST_LOG - this.#seen);
  }

  /** Whether the log is cut here. */
  push(chunk: Buffer): boolean {
    const shown = chunk.subarray(0, LONGEST_LOG - this.#seen);
    this.#seen += shown.length;
    this.#keep(shown);
    return this.#seen >= LONGEST_LOG;
  }

  taken(end: string): Buffer {
    this.#keep(Buffer.from(end));
    return Buffer.concat(this.#pieces);
  }

  #keep(bytes: Buffer): void {
    const kept = bytes.subarray(this.#skip);
    this.#skip -= bytes.length - kept.length;
    if (kept.length > 0) this.#pieces.push(kept);
  }
}
