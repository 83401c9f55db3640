import { createServer } from 'node:http';

// The program behind the gateway of memory.test.ts: `/large` is 1 MB, everything else `ok`.

const LARGE = Buffer.alloc(1024 * 1024, 'y');
const server = createServer((request, response) => {
  request.resume();
  response.on('error', () => {});
  response.end(request.url === '/large' ? LARGE : 'ok');
});
server.listen(Number(process.argv[2]), '127.0.0.1', 4096, () => process.send?.('ready'));
process.on('disconnect', () => process.exit());
