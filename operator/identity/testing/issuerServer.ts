import { once } from 'node:events';
import { createServer } from 'node:http';
import type { PublicKey } from '../issuer.ts';

/** An issuer on loopback that publishes keys (OpenID Connect Discovery). */
export interface IssuerServer {
  /** Its URL, which is the claim `iss` of its tokens. */
  issuer: string;
  /** As they are published; an issuer without any answers with 503. */
  keys: PublicKey[];
  /** How often the keys were fetched. */
  fetched: number;
  close(): void;
}

export async function serveIssuer(): Promise<IssuerServer> {
  const http = createServer(({ url }, response) => {
    const { issuer, keys } = server;
    if (url === '/keys') server.fetched++;
    response.statusCode = keys.length > 0 ? 200 : 503;
    response.end(JSON.stringify(url === '/keys' ? { keys } : { issuer, jwks_uri: `${issuer}/keys` }));
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const server: IssuerServer = {
    issuer: `http://127.0.0.1:${(http.address() as { port: number }).port}`,
    keys: [],
    fetched: 0,
    close() {
      http.closeAllConnections();
      http.close();
    },
  };
  return server;
}
