import { Random } from '../../testing/random.ts';
import { type FuzzClient, Http1Client, Http2Client } from './clients.ts';
import { describeFrames } from './frames.ts';
import { scriptH1 } from './instanceH1.ts';
import type { Script } from './instanceH1Changes.ts';
import { scriptH2 } from './instanceH2.ts';
import { instanceH1, instanceH2, type RawInstance, type Stage } from './instances.ts';
import { type Asked, Finding, judge, type Seen } from './oracle.ts';
import type { Fuzzer, Lane } from './runner.ts';
import type { Place, World } from './world.ts';

/** A request of a case, and what the instance does for it. */
interface Exchange {
  asked: Asked;
  hold: boolean;
  http2: boolean;
  script(stream: number): Script;
  attempts: number;
  seen?: Seen;
}

const EMPTY = Buffer.alloc(0);
const METHODS = ['GET', 'GET', 'GET', 'HEAD', 'POST', 'POST', 'PUT', 'DELETE', 'OPTIONS'];

/** An instance that answers anything, asked by good clients of every version. */
export const instanceFuzzer: Fuzzer = { name: 'instance', open: openLane };

async function openLane(world: World): Promise<Lane> {
  const lane = new InstanceLane(world);
  await lane.open();
  return lane;
}

class InstanceLane implements Lane, Stage {
  readonly places: Place[] = [];
  readonly #world: World;
  readonly #exchanges = new Map<string, Exchange>();
  readonly #clients: Record<Asked['version'], FuzzClient>;
  #instances: RawInstance[] = [];
  #problem: Finding | undefined;
  #together = false;
  /** Whether the connections of each instance are the worse for something that it did, at once or a little later. */
  #spoilt = [false, false];
  /** Whether the instances end such connections after the case. */
  #retires = false;
  /** The connection of the client of HTTP/1.1 may close after the answer before. */
  #mayClose = false;

  constructor(world: World) {
    this.#world = world;
    const { port } = world;
    this.#clients = {
      '1.0': new Http1Client(port),
      '1.1': new Http1Client(port),
      '2': new Http2Client(port),
    };
  }

  async open(): Promise<void> {
    this.#instances = [await instanceH1(this), await instanceH2(this)];
    const [one, two] = this.#instances as [RawInstance, RawInstance];
    this.places.push(this.#world.place('http1', one.port), this.#world.place('h2c', two.port));
  }

  close(): void {
    for (const client of Object.values(this.#clients)) client.close();
    for (const instance of this.#instances) instance.close();
  }

  script(id: string, stream: number): Script | undefined {
    const exchange = this.#exchanges.get(id);
    if (!exchange) return undefined;
    const script = exchange.script(stream);
    return exchange.attempts > 1 && script.retry ? script.retry : script;
  }

  arrived(id: string, body: Buffer): void {
    const exchange = this.#exchanges.get(id);
    if (!exchange) return;
    exchange.attempts++;
    if (!body.equals(exchange.asked.body))
      this.failed('another body reached the instance', `${body.length} bytes`);
    const once = exchange.asked.method === 'POST' && !exchange.http2;
    if (once && exchange.attempts > 1) this.failed('a POST reached the instance twice', id);
  }

  failed(kind: string, detail: string): void {
    this.#problem ??= new Finding(kind, detail);
  }

  transcript(): string {
    const lines: string[] = [];
    for (const { asked, http2, script } of this.#exchanges.values()) {
      const { model, pieces, ending, early, retry } = script(1);
      const about = `${http2 ? 'h2c' : 'http1'} instance, expected ${model.expectation}, then ${ending}${early ? ', early' : ''}`;
      lines.push(`${asked.method} ${asked.id} HTTP/${asked.version} (${asked.body.length} bytes): ${about}`);
      for (const piece of [...pieces, ...(retry?.pieces ?? [])].slice(0, 12)) {
        if (http2) lines.push(...describeFrames(piece).map((frame) => `  ${frame}`));
        else lines.push(`  ${JSON.stringify(piece.toString('latin1')).slice(0, 900)}`);
      }
    }
    return lines.join('\n');
  }

  prepare(random: Random, index: number): void {
    this.#exchanges.clear();
    this.#problem = undefined;
    const version = random.pick(['1.0', '1.1', '1.1', '2', '2'] as const);
    const http2 = random.chance(0.5);
    const count = random.pick([1, 1, 1, 2, 3]);
    const exchanges = Array.from({ length: count }, (_, at) =>
      this.#exchange(random, `${index}.${at}`, version, http2),
    );
    for (const exchange of exchanges) this.#exchanges.set(exchange.asked.id, exchange);
    this.#together = version === '2' && random.chance(0.5);
    this.#retires = random.chance(0.5);
  }

  async run(): Promise<void> {
    const exchanges = [...this.#exchanges.values()];
    const together = this.#together;
    const ask = async (exchange: Exchange): Promise<void> => {
      const { asked, hold, http2 } = exchange;
      const place = this.places[http2 ? 1 : 0] as Place;
      exchange.seen = await this.#clients[asked.version].ask(asked, place.host, hold);
    };
    if (together) await Promise.all(exchanges.map(ask));
    const disturbs = ({ http2, script }: Exchange): boolean =>
      http2 && (script(1).spoils || script(1).refusesLater === true);
    // All that are on one connection may have met what the case before did to it.
    const disturbed = together && (this.#spoilt[1] === true || exchanges.some(disturbs));
    for (const exchange of exchanges) {
      if (!together) await ask(exchange);
      this.#judge(exchange, exchange.http2 && disturbed);
    }
    if (this.#problem) throw this.#problem;
    if (this.#retires) await this.#retire();
  }

  async #retire(): Promise<void> {
    for (const [which, instance] of this.#instances.entries()) {
      if (!this.#spoilt[which]) continue;
      await instance.retire();
      this.#spoilt[which] = false;
    }
  }

  #judge({ asked, http2, script, seen }: Exchange, disturbed: boolean): void {
    const { model, spoils } = script(1);
    const which = http2 ? 1 : 0;
    // On a connection that is about to close a request can be lost; one that changes nothing is sent again.
    const repeatable = !http2 && asked.body.length === 0 && asked.method !== 'POST';
    const lenient = disturbed || (this.#spoilt[which] === true && !repeatable);
    this.#spoilt[which] ||= spoils;
    const closing = this.#mayClose;
    this.#mayClose = asked.version === '1.1' && model.expectation !== 'right';
    // What is broken off behind its announced length is whole to the client, whose connection closes all the same.
    if (closing && asked.version === '1.1' && seen?.status === 0 && seen.malformed === undefined) return;
    if (seen) judge(asked, model, seen, lenient);
  }

  #exchange(random: Random, id: string, version: Asked['version'], http2: boolean): Exchange {
    const method = random.pick(METHODS);
    const body =
      method === 'POST' || method === 'PUT'
        ? Buffer.from(random.word(random.pick([0, 1, 10, 300, 3000, 20_000])))
        : EMPTY;
    const asked: Asked = { id, method, version, body };
    const seed = random.below(0x7fffffff);
    const script = (stream: number): Script =>
      http2 ? scriptH2(new Random(seed, 0), asked, stream) : scriptH1(new Random(seed, 0), asked);
    const made = script(1);
    const hold = body.length > 1 && (made.early ? random.chance(0.9) : random.chance(0.03));
    return { asked, hold, http2, script: http2 ? script : () => made, attempts: 0 };
  }
}
