import { formatImage, type ImageReference, parseImage } from '../apis/image.ts';
import type { Logger } from '../telemetry/log.ts';
import { digestDuration } from '../telemetry/metrics.ts';
import { nameOf } from './client.ts';
import { ImageInvalidError, PullSecretsError, RegistryError } from './errors.ts';
import type { PodIdentity } from './pullsecrets.ts';

/** One container image of one revision. */
export interface DigestRequest extends PodIdentity {
  /** Key of the revision (`namespace/name`), which is given to `onDone`. */
  revision: string;
  /** As it stands in the spec. */
  image: string;
}

export type DigestState =
  | { state: 'pending' }
  | {
      state: 'resolved';
      /** What instances are started from: `REGISTRY/REPOSITORY@DIGEST`, or the reference itself where tags are kept. */
      image: string;
      /** Missing where tags are kept. */
      digest?: string;
    }
  | {
      state: 'failed';
      error: RegistryError;
      /** When `lookup` will ask again, in milliseconds of `now()`; missing when asking again cannot help. */
      retryAt?: number;
    };

export interface DigestResolverOptions {
  /** Reads the credentials and asks the registry; its errors other than RegistryError count as passing. */
  ask(image: ImageReference, pod: PodIdentity): Promise<string>;
  /** Called with the revision's key once the state of one of its images has changed. */
  onDone(revision: string): void;
  /** Registries whose tags are kept (`registry.skip`). */
  skip: readonly string[];
  log: Logger;
  now?(): number;
  /** Registries that are asked at once; 8 by default. */
  concurrency?: number;
}

const FIRST_RETRY_MS = 1000;
/** As seldom as a revision that failed gets an instance again: asking a registry may cost its users a quota. */
const LAST_RETRY_MS = 900_000;

interface Entry {
  request: DigestRequest;
  state: DigestState;
  failures: number;
}

/** One thing to ask a registry, and who wants to know. */
interface Question {
  key: string;
  image: ImageReference;
  pod: PodIdentity;
  /** Those who came after the present asking began; the next one serves them. */
  waiting: Entry[];
}

/**
 * The side queue from tags to digests: a reconcile looks up and goes on, the work is done here, and `onDone`
 * calls the reconcile again. An answer serves only those who wanted it before it was asked for, so that a new
 * revision never gets the digest from before a push; a hundred revisions that come together cost two questions.
 */
export class DigestResolver {
  readonly #options: DigestResolverOptions;
  readonly #now: () => number;
  readonly #entries = new Map<string, Map<string, Entry>>();
  readonly #questions = new Map<string, Question>();
  readonly #ready: Question[] = [];
  #running = 0;

  constructor(options: DigestResolverOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /** What is known of an image now; starts the work if nothing is, or if a failure's `retryAt` has passed. */
  lookup(request: DigestRequest): DigestState {
    const known = this.#entries.get(request.revision)?.get(request.image);
    if (known && !this.#retryIsDue(known.state)) return known.state;
    const parsed = this.#withoutRequest(request.image);
    if ('state' in parsed) return parsed;
    const entry: Entry = { request, state: { state: 'pending' }, failures: known?.failures ?? 0 };
    this.#remember(entry);
    this.#enqueue(entry, parsed);
    return entry.state;
  }

  /** Drops what is known of a revision: its digests are stored in its status, or it is gone. */
  forget(revision: string): void {
    this.#entries.delete(revision);
  }

  /** How many revisions are held. */
  get size(): number {
    return this.#entries.size;
  }

  #retryIsDue(state: DigestState): boolean {
    return state.state === 'failed' && state.retryAt !== undefined && state.retryAt <= this.#now();
  }

  #withoutRequest(text: string): DigestState | ImageReference {
    let image: ImageReference;
    try {
      image = parseImage(text);
    } catch (cause) {
      return { state: 'failed', error: new ImageInvalidError((cause as Error).message, { cause }) };
    }
    if (image.digest) return { state: 'resolved', image: text, digest: image.digest };
    if (this.#options.skip.includes(image.registry)) return { state: 'resolved', image: text };
    return image;
  }

  #remember(entry: Entry): void {
    const { revision, image } = entry.request;
    const images = this.#entries.get(revision);
    if (images) images.set(image, entry);
    else this.#entries.set(revision, new Map([[image, entry]]));
  }

  #isWanted(entry: Entry): boolean {
    return this.#entries.get(entry.request.revision)?.get(entry.request.image) === entry;
  }

  #enqueue(entry: Entry, image: ImageReference): void {
    const { namespace, serviceAccount, pullSecrets } = entry.request;
    const key = JSON.stringify([image, namespace, serviceAccount, pullSecrets]);
    const question = this.#questions.get(key);
    if (question) {
      question.waiting.push(entry);
      return;
    }
    const pod = { namespace, serviceAccount, pullSecrets };
    const asked: Question = { key, image, pod, waiting: [entry] };
    this.#questions.set(key, asked);
    this.#ready.push(asked);
    this.#startWork();
  }

  #startWork(): void {
    while (this.#running < (this.#options.concurrency ?? 8)) {
      const question = this.#ready.shift();
      if (!question) return;
      this.#running++;
      this.#work(question)
        .catch((err: unknown) => {
          this.#options.log.error({ err, image: nameOf(question.image) }, 'a digest could not be given on');
        })
        .finally(() => this.#finish(question));
    }
  }

  async #work(question: Question): Promise<void> {
    const asking = question.waiting.splice(0).filter((entry) => this.#isWanted(entry));
    if (asking.length > 0) this.#resolve(asking, await this.#measured(question));
  }

  /** Makes room for the next question; the same one comes again for those who came meanwhile. */
  #finish(question: Question): void {
    if (question.waiting.length > 0) this.#ready.push(question);
    else this.#questions.delete(question.key);
    this.#running--;
    this.#startWork();
  }

  async #measured(question: Question): Promise<string | RegistryError> {
    const end = digestDuration.startTimer();
    const answer = await this.#answer(question);
    end({ result: typeof answer === 'string' ? 'resolved' : answer.code });
    return answer;
  }

  async #answer({ image, pod }: Question): Promise<string | RegistryError> {
    try {
      return await this.#options.ask(image, pod);
    } catch (error) {
      if (error instanceof RegistryError) return error;
      return new PullSecretsError(
        `Image '${nameOf(image)}': the pull secrets could not be read: ${(error as Error).message}.`,
        { cause: error },
      );
    }
  }

  #resolve(asking: readonly Entry[], answer: string | RegistryError): void {
    for (const entry of asking) {
      if (!this.#isWanted(entry)) continue;
      entry.state =
        typeof answer === 'string' ? resolved(entry.request.image, answer) : this.#failed(entry, answer);
      this.#options.onDone(entry.request.revision);
    }
  }

  #failed(entry: Entry, error: RegistryError): DigestState {
    const { revision, image } = entry.request;
    const delay = Math.max(FIRST_RETRY_MS * 2 ** entry.failures, error.retryAfterMs ?? 0);
    entry.failures++;
    this.#options.log.debug({ revision, image, code: error.code, failures: entry.failures }, 'no digest');
    return { state: 'failed', error, retryAt: this.#now() + Math.min(delay, LAST_RETRY_MS) };
  }
}

function resolved(text: string, digest: string): DigestState {
  const { registry, repository } = parseImage(text);
  return { state: 'resolved', image: formatImage({ registry, repository, digest }), digest };
}
