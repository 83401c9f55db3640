import type { Random } from '../../testing/random.ts';
import { resetSocket } from '../data/downstream/socket.ts';
import { Connection, type Play } from './clientConnection.ts';
import { type ClientCase, caseH1, strictReading } from './clientH1.ts';
import { caseH2 } from './clientH2.ts';
import { Ledger, type StrictInstance, strictH1, strictH2 } from './clientInstances.ts';
import * as h2 from './frames.ts';
import { split } from './instanceH1.ts';
import type { Fuzzer, Lane } from './runner.ts';
import { type Place, pause, turn, type World } from './world.ts';

/** A connection serves so many cases. */
const REUSES = 20;

/** A client that sends anything, before strict instances. */
export const clientFuzzer: Fuzzer = { name: 'client', open: openLane };

async function openLane(world: World): Promise<Lane> {
  const lane = new ClientLane(world);
  await lane.open();
  return lane;
}

class ClientLane implements Lane {
  readonly places: Place[] = [];
  readonly #world: World;
  readonly #ledger = new Ledger();
  #instances: StrictInstance[] = [];
  readonly #kept = new Map<boolean, Connection>();
  #play: Play | undefined;

  constructor(world: World) {
    this.#world = world;
  }

  async open(): Promise<void> {
    this.#instances = [await strictH1(this.#ledger), await strictH2(this.#ledger)];
    const [one, two] = this.#instances as [StrictInstance, StrictInstance];
    this.places.push(this.#world.place('http1', one.port), this.#world.place('h2c', two.port));
  }

  close(): void {
    for (const connection of this.#kept.values()) connection.socket.destroy();
    for (const instance of this.#instances) instance.close();
  }

  transcript(): string {
    const play = this.#play;
    if (!play) return '';
    const about = `${play.http2 ? 'HTTP/2' : 'HTTP/1'} client, ${play.pieces.length} pieces, then ${play.end}, ${play.sent.clean ? 'good' : 'not all good'}`;
    const { bytes } = play.sent;
    if (!play.http2) return `${about}\n${JSON.stringify(bytes.toString('latin1')).slice(0, 3000)}`;
    const start = bytes.indexOf(h2.PREFACE) === 0 ? h2.PREFACE.length : 0;
    return [about, ...h2.describeFrames(bytes.subarray(start)).slice(0, 30)].join('\n');
  }

  prepare(random: Random, index: number): void {
    const http2 = random.chance(0.5);
    const host = (random.pick(this.places) as Place).host;
    const kept = this.#kept.get(http2);
    // Drawn in any case, so that what follows is the same with and without a connection.
    const anew = random.chance(0.1);
    if (kept && (!kept.usable || kept.cases >= REUSES || anew)) {
      kept.socket.destroy();
      this.#kept.delete(http2);
    }
    const stream = this.#kept.get(http2)?.nextStream ?? 1;
    const made = http2
      ? caseH2(random, String(index), host, stream)
      : { ...caseH1(random, String(index), host), streams: [] };
    const cut = random.chance(0.1);
    const end = cut
      ? random.pick(['reset', 'reset', 'destroy', 'fin'] as const)
      : made.clean
        ? 'keep'
        : random.pick(['fin', 'fin', 'fin', 'reset'] as const);
    const places = random.chance(0.3) ? random.places(made.bytes.length, 8) : [];
    const pieces = split(made.bytes, places);
    if (cut) pieces.length = random.between(1, pieces.length);
    const sent = http2 || !cut ? made : cutShort(made, Buffer.concat(pieces));
    this.#play = {
      http2,
      sent: { ...sent, clean: made.clean && !cut },
      streams: made.streams,
      pieces,
      slow: random.chance(0.03),
      end,
    };
    this.#ledger.expect(sent.expected);
  }

  async run(): Promise<void> {
    const play = this.#play as Play;
    const { sent, http2 } = play;
    const connection = this.#kept.get(http2) ?? new Connection(this.#world.port);
    this.#kept.delete(http2);
    connection.begin(play);
    for (const [at, piece] of play.pieces.entries()) {
      if (connection.ended) break;
      connection.socket.write(piece);
      if (play.slow) await pause(1);
      else if (at + 1 < play.pieces.length) await turn();
    }
    connection.written();
    if (play.end === 'reset') resetSocket(connection.socket);
    else if (play.end === 'destroy') connection.socket.destroy();
    else if (play.end === 'fin') connection.socket.end();
    await connection.over(sent);
    connection.judge(play);
    if (sent.clean && connection.usable) this.#kept.set(http2, connection);
    this.#ledger.check();
  }
}

/** @returns a case of which only these bytes are sent. */
function cutShort(made: ClientCase, bytes: Buffer): ClientCase {
  const expected = strictReading(bytes);
  const whole = expected.filter((one) => one.whole).length;
  return { ...made, bytes, expected, bad: Math.min(made.bad, whole) };
}
