import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { Agent, fetch } from 'undici';

/** Where the tools of an Admin API are, and as whom. */
export interface McpTarget {
  /** Of `/mcp`. */
  url: string;
  /** PEM of the authority of its certificate, and the name in that. */
  authority: string;
  servername: string;
  token?: string | undefined;
}

/** The SDK's own client, connected; the caller closes it. */
export async function mcpClient({ url, authority, servername, token }: McpTarget): Promise<Client> {
  const dispatcher = new Agent({ connect: { ca: authority, servername } });
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const transport = new StreamableHTTPClientTransport(new URL(url), {
    requestInit: { headers },
    fetch: ((url: string, init: object) => fetch(url, { ...init, dispatcher })) as never,
  });
  const client = new Client({ name: 'test', version: '1' });
  await client.connect(transport);
  return client;
}
