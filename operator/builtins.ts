// An `import` of node:http evaluates all of its exports, including Node's WebSocket client and fetch: 3 MB for each
// thread, for names that are not used here. Getting the module itself does not load them.
const http = process.getBuiltinModule('node:http');

// Nor is node:http2, with TLS behind it 4 MB more, loaded before the first HTTP/2 connection.
export const http2 = () => process.getBuiltinModule('node:http2');

// Nor is node:crypto, before an identity token is verified.
export const crypto = () => process.getBuiltinModule('node:crypto');

// Nor TLS, before it is needed.
export const tls = () => process.getBuiltinModule('node:tls');

export const { createServer: createHttpServer, request: httpRequest, STATUS_CODES } = http;
