/** Something secret that is worth something until a moment. */
export interface Perishable {
  value: string;
  /** Milliseconds since 1970. */
  expiresAt: number;
}

/** A token with less time left is no longer handed out: clients take five minutes for the end already. */
const MARGIN_MS = 300_000;
/** Tokens kept for one pod; more audiences than that only cost time. */
const MOST_OF_POD = 64;

/**
 * Tokens by pod and purpose. What is made at the moment is awaited by all who ask for it; what failed is forgotten.
 */
export class TokenCache {
  readonly #pods = new Map<string, Map<string, Promise<Perishable>>>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** The token of a pod for a purpose, made anew when there is none or it is about to expire. */
  async get(podUid: string, purpose: string, make: () => Promise<Perishable>): Promise<Perishable> {
    const kept = this.#pods.get(podUid)?.get(purpose);
    if (kept) {
      const token = await kept;
      if (token.expiresAt - this.#now() > MARGIN_MS) return token;
    }
    // Others may have renewed it while this one waited.
    const present = this.#pods.get(podUid)?.get(purpose);
    return present && present !== kept ? present : this.#make(podUid, purpose, make);
  }

  /** Forgets what a pod had; call it when the pod is gone. */
  forget(podUid: string): void {
    this.#pods.delete(podUid);
  }

  /** Pods with tokens. */
  get size(): number {
    return this.#pods.size;
  }

  #make(podUid: string, purpose: string, make: () => Promise<Perishable>): Promise<Perishable> {
    const tokens = this.#pods.get(podUid) ?? new Map<string, Promise<Perishable>>();
    this.#pods.set(podUid, tokens);
    tokens.delete(purpose);
    const [oldest] = tokens.keys();
    if (oldest !== undefined && tokens.size >= MOST_OF_POD) tokens.delete(oldest);
    const token = make();
    tokens.set(purpose, token);
    token.catch(() => {
      if (tokens.get(purpose) === token) tokens.delete(purpose);
    });
    return token;
  }
}
