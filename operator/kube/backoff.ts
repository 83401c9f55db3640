const FIRST_MS = 100;
/** While nothing answers; so that all is seen within seconds of the server's return, however long it was away. */
const UNREACHABLE_MS = 1_000;
/** While the server answers, but with a refusal: a kind that is not installed yet, a right that is missing. */
const REFUSED_MS = 5_000;

const LIMITS = { unreachable: UNREACHABLE_MS, refused: REFUSED_MS, closed: REFUSED_MS };
export type Failure = keyof typeof LIMITS;

/** Growing delays between attempts; a new kind of failure begins at the shortest again. */
export class Backoff {
  readonly #random: () => number;
  #failure: Failure | undefined;
  #count = 0;

  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  reset(): void {
    this.#failure = undefined;
    this.#count = 0;
  }

  /** Milliseconds to wait: between half of the present step and all of it. */
  next(failure: Failure): number {
    if (this.#failure !== failure) this.#count = 0;
    this.#failure = failure;
    const step = Math.min(FIRST_MS * 2 ** this.#count, LIMITS[failure]);
    if (step < LIMITS[failure]) this.#count++;
    return step * (1 - this.#random() / 2);
  }
}
