import { Resolver } from 'node:dns/promises';
import { httpRequest } from '../builtins.ts';
import { MAX_ADDRESSES, type PodAddresses } from '../gateway/shared/addressProtocol.ts';
import { keepNewest } from '../gateway/shared/keepNewest.ts';
import type { Logger } from '../telemetry/log.ts';
import { nodeMessages } from '../telemetry/metrics.ts';

/** Later the API has shown the address. */
const TIMEOUT_MS = 1000;
/** How long the gateways' addresses are used before they are looked up again, which takes a millisecond or two. */
const LOOKUP_MS = 2000;
/** Of what a gateway that does not answer has not taken, so much is kept. */
const MAX_WAITING = 1000;

/** Gives the addresses of all gateway pods. */
export type Lookup = () => Promise<string[]>;

/** By the records of the gateways' headless Service, so that no role needs the API for it (Kubernetes, DNS for Services and Pods). */
export function lookupByName(host: string, family: 4 | 6): Lookup {
  const resolver = new Resolver({ timeout: 500, tries: 2 });
  return () => (family === 6 ? resolver.resolve6(host) : resolver.resolve4(host));
}

export interface GatewaysOptions {
  lookup: Lookup;
  port: number;
  log: Logger;
  now?: () => number;
}

/** What is to be sent to one gateway. */
interface Mailbox {
  readonly waiting: Map<string, string>;
  sending: boolean;
}

/**
 * Sends addresses of pods to all gateways, with one message at a time to each: a gateway that hangs delays no other.
 * What a gateway does not take is not sent again, because the API will have shown it by then.
 */
export class Gateways {
  readonly #options: GatewaysOptions;
  readonly #now: () => number;
  readonly #mailboxes = new Map<string, Mailbox>();
  #waiting = new Map<string, string>();
  #lookedUpAt = Number.NEGATIVE_INFINITY;
  #lookup: Promise<void> | undefined;

  constructor(options: GatewaysOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** @param ip empty when the pod has lost its address. */
  send(uid: string, ip: string): void {
    keepNewest(this.#waiting, uid, ip, MAX_WAITING);
    if (this.#now() - this.#lookedUpAt < LOOKUP_MS) this.#distribute();
    else this.#lookup ??= this.#lookUp();
  }

  /** Never rejects; the gateways that were known last are used when they cannot be looked up. */
  async #lookUp(): Promise<void> {
    const { lookup, log } = this.#options;
    try {
      const found = new Set(await lookup());
      for (const address of this.#mailboxes.keys()) if (!found.has(address)) this.#mailboxes.delete(address);
      for (const address of found) {
        if (!this.#mailboxes.has(address))
          this.#mailboxes.set(address, { waiting: new Map(), sending: false });
      }
      this.#lookedUpAt = this.#now();
    } catch (err) {
      nodeMessages.inc({ outcome: 'failed' });
      log.debug({ err }, 'the gateways cannot be looked up');
    }
    this.#lookup = undefined;
    this.#distribute();
  }

  #distribute(): void {
    const news = this.#waiting;
    this.#waiting = new Map();
    for (const [address, mailbox] of this.#mailboxes) {
      for (const [uid, ip] of news) keepNewest(mailbox.waiting, uid, ip, MAX_WAITING);
      if (!mailbox.sending) void this.#empty(address, mailbox);
    }
  }

  /** Never rejects. */
  async #empty(address: string, mailbox: Mailbox): Promise<void> {
    mailbox.sending = true;
    while (mailbox.waiting.size > 0) {
      const batch = [...mailbox.waiting].slice(0, MAX_ADDRESSES);
      for (const [uid] of batch) mailbox.waiting.delete(uid);
      await this.#post(address, Object.fromEntries(batch));
    }
    mailbox.sending = false;
  }

  async #post(address: string, addresses: PodAddresses): Promise<void> {
    const { port, log } = this.#options;
    try {
      const status = await post(address, port, JSON.stringify(addresses));
      nodeMessages.inc({ outcome: status === 200 ? 'accepted' : 'rejected' });
      if (status !== 200) log.debug({ gateway: address, status }, 'a gateway does not take addresses');
    } catch (err) {
      nodeMessages.inc({ outcome: 'failed' });
      log.debug({ gateway: address, err }, 'a gateway does not answer');
    }
  }
}

/** @returns the status. */
function post(host: string, port: number, body: string): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const call = httpRequest({ host, port, path: '/addresses', method: 'POST', agent: false, headers, signal });
  call.on('error', reject);
  call.on('response', (response) => {
    response.resume();
    response.on('error', reject);
    resolve(response.statusCode ?? 0);
  });
  call.end(body);
  return promise;
}
