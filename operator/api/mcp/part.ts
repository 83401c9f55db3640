import type { ApiPart } from '../context.ts';

/** Bytes of the longest message: the contents of files are in it. */
const MAX_MESSAGE = 16 << 20;

/**
 * Cloud Run's MCP server (Cloud Run, MCP reference; Model Context Protocol, Streamable HTTP). The protocol's library is loaded
 * with the first message: an API that no agent asks does not pay for it.
 */
export const MCP: ApiPart = {
  routes(app, context) {
    app.post('/mcp', { bodyLimit: MAX_MESSAGE }, async (request, reply) => {
      const { answerMcp } = await import('./server.ts');
      return reply.send(await answerMcp(context, request));
    });
    // There are no sessions, and nothing is sent that was not asked for.
    app.route({
      method: ['GET', 'DELETE'],
      url: '/mcp',
      handler: (_request, reply) => reply.code(405).header('allow', 'POST').send(),
    });
  },
};
