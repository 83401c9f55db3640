import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js';
import {
  type CallToolRequest,
  CallToolRequestSchema,
  type CallToolResult,
  ErrorCode,
  ListToolsRequestSchema,
  McpError,
} from '@modelcontextprotocol/sdk/types.js';
import type { FastifyRequest } from 'fastify';
import { schemaErrors } from '../../apis/schemaValidation.ts';
import type { ApiContext } from '../context.ts';
import { ApiError, invalidFields } from '../errors.ts';
import { JOB_TOOLS } from './jobs.ts';
import { SERVICE_TOOLS } from './services.ts';
import { SOURCE_TOOLS } from './sources.ts';
import type { Answer, Tool, ToolCall } from './tool.ts';

export const TOOLS: readonly Tool[] = [...SERVICE_TOOLS, ...SOURCE_TOOLS, ...JOB_TOOLS];

const INFO = { name: 'homerun', title: 'Cloud Run on Kubernetes', version: '1' };
const INSTRUCTIONS =
  'Cloud Run on this cluster. A project is a namespace, and there is one region. Deploy container images, then read the log and the terminalCondition of a service that does not serve.';

/** The fields of a request's head that the protocol reads. */
const FIELDS = ['accept', 'content-type', 'mcp-protocol-version', 'mcp-session-id'] as const;

/**
 * Answers a message of the Model Context Protocol (Streamable HTTP, without sessions: any replica answers any message), as the
 * person who asks. A tool that waits sends its progress in the answer's stream.
 */
export async function answerMcp(context: ApiContext, request: FastifyRequest): Promise<Response> {
  const server = new Server(INFO, { capabilities: { tools: {} }, instructions: INSTRUCTIONS });
  const { person, host, signal, body } = request;
  server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: TOOLS.map(described) }));
  server.setRequestHandler(CallToolRequestSchema, ({ params }, { sendNotification }) => {
    const progressToken = params._meta?.progressToken;
    let step = 0;
    const progress = async (message: string) => {
      if (progressToken === undefined) return;
      const report = { progressToken, progress: ++step, message };
      await sendNotification({ method: 'notifications/progress', params: report });
    };
    return call(params, { context, person, host, signal, progress });
  });
  const transport = new WebStandardStreamableHTTPServerTransport({ sessionIdGenerator: undefined });
  await server.connect(transport);
  signal.addEventListener('abort', () => void server.close());
  const headers = FIELDS.flatMap((name) => {
    const value = request.headers[name];
    return typeof value === 'string' ? [[name, value] as [string, string]] : [];
  });
  const message = new Request('https://localhost/mcp', { method: 'POST', headers });
  const answer = await transport.handleRequest(message, { parsedBody: body });
  // HTTP/2 has no such field, and fastify writes that of HTTP/1.1.
  answer.headers.delete('connection');
  return answer;
}

function described({ name, description, input, reads }: Tool) {
  const annotations = { readOnlyHint: reads, destructiveHint: false, openWorldHint: false };
  return { name, description, inputSchema: { ...input, type: 'object' as const }, annotations };
}

async function call({ name, arguments: given = {} }: CallToolRequest['params'], of: ToolCall) {
  const tool = TOOLS.find((each) => each.name === name);
  if (!tool) throw new McpError(ErrorCode.InvalidParams, `There is no tool ${name}.`);
  try {
    const errors = schemaErrors(tool.input, given, 'arguments');
    if (errors.length > 0) {
      throw invalidFields(errors.map(({ path, message }) => ({ field: path, description: message })));
    }
    return result(await tool.act(given, of));
  } catch (error) {
    return failed(error, of);
  }
}

function result(answer: Answer): CallToolResult {
  if (typeof answer === 'string') return { content: [{ type: 'text', text: answer }] };
  return { content: [{ type: 'text', text: JSON.stringify(answer, null, 1) }], structuredContent: answer };
}

/** What the model reads of an error, to mend what it asked for. */
function failed(error: unknown, { context }: ToolCall): CallToolResult {
  if (!(error instanceof ApiError)) context.log.error({ err: error }, 'a tool failed');
  const text =
    error instanceof ApiError ? `${error.code}: ${error.message}` : 'INTERNAL: Internal error encountered.';
  return { content: [{ type: 'text', text }], isError: true };
}
