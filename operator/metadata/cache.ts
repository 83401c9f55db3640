/** A token and when it expires. */
export interface Token {
  value: string;
  /** Milliseconds since 1970. */
  expiresAt: number;
}

/** A token with less time left is no longer returned: clients treat the last five minutes as expired. */
const MARGIN_MS = 300_000;
/** Tokens kept for one pod; more audiences than that only cost time. */
const MOST_OF_POD = 64;

/**
 * Tokens by pod and purpose. All requests for a token share the one that is being made; a failed one is not kept.
 */
export class TokenCache {
  readonly #pods = new Map<string, Map<string, Promise<Token>>>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** The token of a pod for a purpose, made again when there is none or it is about to expire. */
  async get(podUid: string, purpose: string, make: () => Promise<Token>): Promise<Token> {
    const kept = this.#pods.get(podUid)?.get(purpose);
    if (kept) {
      const token = await kept;
      if (token.expiresAt - this.#now() > MARGIN_MS) return token;
    }
    // Another call may have renewed it meanwhile.
    const present = this.#pods.get(podUid)?.get(purpose);
    return present && present !== kept ? present : this.#make(podUid, purpose, make);
  }

  /** Drops a pod's tokens; call it when the pod is deleted. */
  forget(podUid: string): void {
    this.#pods.delete(podUid);
  }

  /** Pods with tokens. */
  get size(): number {
    return this.#pods.size;
  }

  #make(podUid: string, purpose: string, make: () => Promise<Token>): Promise<Token> {
    const tokens = this.#pods.get(podUid) ?? new Map<string, Promise<Token>>();
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
