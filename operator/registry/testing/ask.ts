import { RegistryClient } from '../client.ts';
import { type Keyring, makeKeyring } from '../keyring.ts';
import { createDispatcher } from '../transport.ts';
import { type Handler, pullSecret, startServer } from './registry.ts';

/** No pull secrets. */
export const ANONYMOUS = makeKeyring([]);
/** The header that the user's password gives. */
export const basic = (user: string) => `Basic ${Buffer.from(`${user}:pw`).toString('base64')}`;
/** One secret for each user, named after them. */
export const keyringOf = (host: string, ...users: string[]): Keyring =>
  makeKeyring(users.map((user) => pullSecret(`of-${user}`, { [host]: { username: user, password: 'pw' } })));

/** What the server does, and how it is asked. */
export interface Asking {
  handler: Handler;
  tls?: boolean;
  address?: string;
  caFile?: string;
  insecure?: string[];
  keyring?: (host: string) => Keyring;
  tag?: string;
  timeoutMs?: number;
}

/** Asks one server of its own for `team/app`; gives the digest and the requests that arrived. */
export async function ask(asking: Asking): Promise<{ digest: string; requests: string[] }> {
  await using server = await startServer(asking.handler, { tls: asking.tls, address: asking.address });
  const dispatcher = createDispatcher(asking.caFile);
  try {
    const client = new RegistryClient({
      dispatcher,
      insecure: asking.insecure ?? (asking.tls ? [] : [server.host]),
      timeoutMs: asking.timeoutMs ?? 5000,
    });
    const image = { registry: server.host, repository: 'team/app', tag: asking.tag };
    const digest = await client.digest(image, asking.keyring?.(server.host) ?? ANONYMOUS);
    return { digest, requests: server.requests };
  } finally {
    await dispatcher.destroy();
  }
}
