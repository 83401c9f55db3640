import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** A request line with bytes above 0x7f in its target: browsers encode them, other clients may not. */
const RAW_REQUEST_LINE = /^[A-Z-]{1,20} [!-~\x80-\xff]*[\x80-\xff][!-~\x80-\xff]* HTTP\/1\.[01]\r\n/;
const MAX_LINE_BYTES = 16 * 1024;
/** The events that node:http, and no other code here, listens to on the connections that it reads. */
const EVENTS_OF_HTTP = ['data', 'end', 'drain', 'error', 'timeout', 'pause', 'resume'] as const;

/**
 * Stands before the two digits of a byte that Node's parser does not take in a target. It is made when it is needed, and
 * unknown to clients, so that none can write it into a target.
 */
let mark: string | undefined;

/**
 * Lets node:http read a request again, with its target in characters that its parser takes; {@link rawTarget} gives
 * the original target back (RFC 9112, 3: a server may be lenient where nothing becomes ambiguous).
 * @param packet the bytes in which the parser failed.
 * @returns false when they do not begin with such a request.
 */
export function readEscaped(server: Server, socket: Socket, packet: Buffer): boolean {
  const line = RAW_REQUEST_LINE.exec(packet.toString('latin1', 0, MAX_LINE_BYTES))?.[0];
  if (line === undefined || socket.destroyed) return false;
  mark ??= `~${process.getBuiltinModule('node:crypto').randomBytes(12).toString('hex')}`;
  const escaped = line.replace(/[\x80-\xff]/g, (byte) => mark + byte.charCodeAt(0).toString(16));
  // A data listener takes the connection from the parser that failed.
  socket.on('data', () => {});
  for (const event of EVENTS_OF_HTTP) socket.removeAllListeners(event);
  socket.on('error', () => void socket.destroy());
  socket.pause();
  socket.unshift(Buffer.concat([Buffer.from(escaped, 'latin1'), packet.subarray(line.length)]));
  server.emit('connection', socket);
  socket.resume();
  return true;
}

/** The target as the client wrote it. */
export function rawTarget(target: string): string {
  if (mark === undefined || !target.includes(mark)) return target;
  const [first, ...rest] = target.split(mark) as [string, ...string[]];
  return first + rest.map((part) => byteOf(part.slice(0, 2)) + part.slice(2)).join('');
}

function byteOf(hex: string): string {
  return String.fromCharCode(Number.parseInt(hex, 16));
}
