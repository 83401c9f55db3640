import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { mcpClient } from '../../operator/api/testing/mcpClient.ts';
import { apiPerson } from './apiPerson.ts';
import { SYSTEM_NAMESPACE } from './cluster.ts';
import type { Suite } from './suite.ts';

/** An agent with the tools of the cluster's Admin API, which may do everything in the namespace of a suite. */
export class Agent {
  readonly #client: Client;
  readonly #project: string;

  static async start(suite: Suite): Promise<Agent> {
    const { address, ...person } = await apiPerson(suite);
    const servername = `homerun-api.${SYSTEM_NAMESPACE}.svc`;
    return new Agent(
      await mcpClient({ url: `https://${address}/mcp`, servername, ...person }),
      suite.namespace,
    );
  }

  private constructor(client: Client, project: string) {
    this.#client = client;
    this.#project = project;
  }

  /** Calls a tool. */
  async use(name: string, given: object = {}): Promise<CallToolResult> {
    const call = { name, arguments: { project: this.#project, ...given } };
    return (await this.#client.callTool(call, undefined, { timeout: 120_000 })) as CallToolResult;
  }

  /** Deploys a service of one file, which anybody may call. */
  deploy(name: string, content: string): Promise<CallToolResult> {
    const sourceCode = { inlinedSource: { sources: [{ filename: 'main.js', content }] } };
    const container = { sourceCode, baseImageUri: 'nodejs24', command: ['/usr/bin/node', 'main.js'] };
    const template = { containers: [container] };
    const service = { name, project: this.#project, template, invokerIamDisabled: true };
    return this.use('deploy_service_from_file_contents', { service });
  }

  close(): Promise<void> {
    return this.#client.close();
  }
}

/** What a tool has answered in words. */
export function textOf({ content }: CallToolResult): string {
  return (content[0] as { text: string }).text;
}
