// An `import` of node:http evaluates every export of it, and with them the WebSocket client and fetch that Node
// carries: 3 MB for each thread, for names that nobody here uses. Taking the module itself leaves them alone.
const http = process.getBuiltinModule('node:http');

// Nor is node:http2, with TLS behind it 4 MB more, loaded before the first HTTP/2 connection.
export const http2 = () => process.getBuiltinModule('node:http2');

export const { createServer: createHttpServer, request: httpRequest, STATUS_CODES } = http;
