import type { SecureContext } from 'node:tls';
import { tls } from '../../builtins.ts';
import type { CertificateEntry } from '../shared/messages.ts';

interface Served {
  readonly entry: CertificateEntry;
  /** Made at the first handshake: of a thousand certificates, a thread may need ten. */
  context: SecureContext | undefined;
}

/** The certificates of one data thread, by host name. */
export class Certificates {
  readonly #bySecret = new Map<string, Served>();
  readonly #byName = new Map<string, Served>();

  /** Sets what a Secret holds; `undefined` removes it. Connections that are open keep what they have. */
  set(secret: string, entry: CertificateEntry | undefined): void {
    const before = this.#bySecret.get(secret);
    for (const name of before?.entry.names ?? []) {
      // Another Secret may have been given the name in the same update.
      if (this.#byName.get(name) === before) this.#byName.delete(name);
    }
    if (!entry) {
      this.#bySecret.delete(secret);
      return;
    }
    const isSame = before?.entry.certificate === entry.certificate && before.entry.key === entry.key;
    const served: Served = { entry, context: isSame ? before.context : undefined };
    this.#bySecret.set(secret, served);
    for (const name of entry.names) this.#byName.set(name, served);
  }

  get size(): number {
    return this.#byName.size;
  }

  /** Whether HTTPS is served at this host. @param host in lower case, without a port. */
  covers(host: string): boolean {
    return this.#find(host) !== undefined;
  }

  /** What a handshake for this server name uses (RFC 6066, 3); undefined when there is no certificate for it. */
  contextFor(serverName: string): SecureContext | undefined {
    const served = this.#find(serverName.toLowerCase());
    if (!served) return undefined;
    const { certificate: cert, key } = served.entry;
    served.context ??= tls().createSecureContext({ cert, key });
    return served.context;
  }

  /** A certificate for exactly this name, or else one for all names beside it (RFC 9525, 6.3). */
  #find(host: string): Served | undefined {
    return this.#byName.get(host) ?? this.#byName.get(`*${host.slice(host.indexOf('.'))}`);
  }
}
