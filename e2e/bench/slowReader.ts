import { once } from 'node:events';
import { connect } from 'node:net';
import { percentile } from '../lib/load.ts';
import { limitResult, type Result } from './result.ts';
import { MEASURED, OTHERS, Server } from './servers.ts';

const GIGABYTE = 2 ** 30;
const REPETITIONS = 3;
/** The reader pauses after so many bytes: the answer takes some six seconds at least. */
const [EVERY_BYTES, PAUSE_MS] = [4 * 2 ** 20, 20];

/** How much the gateway's memory grows by an answer of 1 GB to a client that reads it slowly. */
export async function slowReaderResult(): Promise<Result> {
  await using backend = await Server.start('backend', OTHERS);
  await using gateway = await Server.start('gateway', MEASURED, backend.port);
  const grown: number[] = [];
  for (let i = 0; i < REPETITIONS; i++) grown.push(await growth(gateway));
  console.log(`proxy-slow-reader-rss\n  homerun    ${grown.map((each) => each.toFixed(1)).join(', ')} MB`);
  return limitResult('proxy-slow-reader-rss', 'MB grown by 1 GB', percentile(grown, 0.5), 32);
}

async function growth(gateway: Server): Promise<number> {
  const socket = connect({ port: gateway.port, host: '127.0.0.1' });
  const head = `GET /${GIGABYTE} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`;
  const before = gateway.residentMb();
  let most = before;
  let read = 0;
  let pauseAt = 0;
  socket.write(head);
  socket.on('data', (part) => {
    read += part.length;
    if (read < pauseAt) return;
    pauseAt = read + EVERY_BYTES;
    most = Math.max(most, gateway.residentMb());
    socket.pause();
    setTimeout(() => socket.resume(), PAUSE_MS);
  });
  await once(socket, 'close');
  if (read < GIGABYTE) throw new Error(`the answer ended after ${read} bytes`);
  return most - before;
}
