import { connect } from 'node:net';

// A client that floods a host: so many connections, each of which asks again as soon as it is answered, whatever the
// answer is. It has an address of its own and says `ready` to its parent once all are open.

const [host = '', port = '', connections = ''] = process.argv.slice(2);
/** Connections that are being opened at a time: the accept queue holds 4,096. */
const BATCH = 500;
const REQUEST = Buffer.from(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);

/** Resolves when it is open; one that is closed is opened anew. */
function open(): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ port: Number(port), host: '127.0.0.1', localAddress: '127.0.0.2' });
    socket.on('connect', () => {
      socket.write(REQUEST);
      resolve();
    });
    socket.on('data', () => socket.write(REQUEST));
    socket.on('error', () => {});
    socket.on('close', () => void open().then(resolve));
  });
}

for (let opened = 0; opened < Number(connections); opened += BATCH) {
  const batch = Math.min(BATCH, Number(connections) - opened);
  await Promise.all(Array.from({ length: batch }, open));
}
process.send?.('ready');
process.on('disconnect', () => process.exit());
