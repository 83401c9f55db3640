import { Server } from 'node:net';

// Loaded before a role (node --import). In a cluster a pod has its address for itself, and all roles use the same ports;
// here all of them share this machine, so each listens at the loopback address that stands for its pod.

const host = process.env.POD_IP;
const { listen } = Server.prototype;

Server.prototype.listen = function (this: Server, first: unknown, ...rest: unknown[]): Server {
  const options = typeof first === 'object' ? first : { port: first };
  return Reflect.apply(listen, this, [{ ...options, host }, ...rest]);
} as typeof listen;
