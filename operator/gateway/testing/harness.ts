import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { connect } from 'node:net';
import { Client } from 'undici';
import { parseConfig } from '../../config.ts';
import type { IssuerEntry } from '../../identity/issuer.ts';
import { instanceCookie, revisionToken } from '../control/affinity.ts';
import { DataPlane } from '../data/dataPlane.ts';
import type { TracingOptions } from '../data/tracer.ts';
import type { InvokersEntry } from '../shared/invokers.ts';
import { type Limits, UNLIMITED } from '../shared/limits.ts';
import type {
  CertificateEntry,
  FromThread,
  InstanceEntry,
  Protocol,
  RevisionEntry,
  TableUpdate,
  Target,
} from '../shared/messages.ts';
import { Slots } from '../shared/slots.ts';
import { Stats } from '../shared/stats.ts';

/** The limits that the chart gives. */
export const LIMITS: Limits = parseConfig({}).gateway.limits;

/** A revision for tests, with its instances' addresses on loopback. */
export interface TestRevision {
  key?: string;
  limit?: number;
  timeoutMs?: number;
  protocol?: Protocol;
  queueLimitMs?: number;
  stopped?: boolean;
  failing?: string;
  /** It has session affinity. */
  affinity?: boolean;
  /** Ports of its instances. */
  ports?: number[];
}

/** The key of the affinity cookies, the same in all gateways. */
const AFFINITY_KEY = Buffer.alloc(32, 'k');

/** A whole gateway without Kubernetes: data planes that share their counts as threads do, and a table set by hand. */
export class Harness {
  readonly slots: Slots;
  readonly stats: Stats;
  readonly planes: DataPlane[];
  readonly messages: FromThread[] = [];
  readonly ports: number[] = [];
  readonly internalPorts: number[] = [];
  readonly tlsPorts: number[] = [];
  readonly gatewayPorts: number[] = [];
  #version = 0;
  readonly #affinity = new Map<string, string>();
  #indexes = new Map<string, number>();
  readonly #entries = new Map<string, RevisionEntry>();
  #nextSlot = 0;

  /** @param redirectPort where clients without TLS are sent. */
  constructor(
    threads = 1,
    limits: Partial<Limits> = {},
    accessLog = false,
    redirectPort?: number,
    tracing?: TracingOptions,
  ) {
    const ticketKeys = randomBytes(48);
    this.slots = Slots.create(threads);
    this.stats = Stats.create(threads);
    this.planes = Array.from(
      { length: threads },
      (_, thread) =>
        new DataPlane({
          thread,
          slots: this.slots,
          stats: this.stats,
          limits: { ...LIMITS, ...limits },
          accessLog,
          tracing,
          tls: { ticketKeys, redirectPort },
          link: { send: (message) => this.messages.push(message) },
          // As in a real gateway, the other thread hears of it in a later turn.
          wake: (other, revision) => setImmediate(() => this.planes[other]?.wake(revision)),
        }),
    );
  }

  async listen(): Promise<this> {
    for (const plane of this.planes) {
      const any = { port: 0, internalPort: 0, tlsPort: 0, gatewayPort: 0, host: '127.0.0.1' };
      const { port, internalPort, tlsPort, gatewayPort } = await plane.listen(any);
      this.gatewayPorts.push(gatewayPort as number);
      this.ports.push(port);
      this.internalPorts.push(internalPort);
      this.tlsPorts.push(tlsPort as number);
    }
    return this;
  }

  get port(): number {
    return this.ports[0] as number;
  }

  get tlsPort(): number {
    return this.tlsPorts[0] as number;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Serves `host` from one revision. @returns the slots of its instances. */
  serve(host: string, revision: TestRevision = {}): number[] {
    const key = revision.key ?? 'ns/rev';
    const slots = this.revision({ ...revision, key });
    this.route(host, [{ revision: key, percent: 100 }]);
    return slots;
  }

  route(host: string, targets: Target[] | undefined, internalOnly = false, invokers?: InvokersEntry): void {
    this.#apply({ hosts: [[host, targets && { targets, internalOnly, invokers }]] });
  }

  /** Sets whose identity tokens count. */
  setIssuers(issuers: IssuerEntry[]): void {
    this.#apply({ issuers });
  }

  revision({ key = 'ns/rev', ports = [], ...given }: TestRevision): number[] {
    const index = this.#indexes.get(key) ?? this.#indexes.size;
    this.#indexes.set(key, index);
    const entry: RevisionEntry = {
      key,
      index,
      limit: given.limit ?? 80,
      timeoutMs: given.timeoutMs ?? 60_000,
      protocol: given.protocol ?? 'http1',
      queueLimitMs: given.queueLimitMs ?? 10_000,
      stopped: given.stopped,
      failing: given.failing,
      affinity: given.affinity ? revisionToken(AFFINITY_KEY, key) : undefined,
    };
    this.#entries.set(key, entry);
    if (entry.affinity) this.#affinity.set(key, entry.affinity);
    this.#apply({ revisions: [[key, entry]] });
    return ports.map((port) => this.addInstance(key, port));
  }

  certificate(secret: string, entry: CertificateEntry | undefined): void {
    this.#apply({ certificates: [[secret, entry]] });
  }

  /** Another gateway owns the revision: its requests are forwarded to a port. @returns the slot of its entry. */
  forward(host: string, gatewayPort: number, revision: TestRevision = {}): number {
    const key = revision.key ?? 'ns/rev';
    this.serve(host, { ...revision, key, ports: [] });
    const entry = {
      ...(this.#entries.get(key) as RevisionEntry),
      placement: 'gateway' as const,
      limit: UNLIMITED,
    };
    this.#apply({ revisions: [[key, entry]] });
    const slot = this.#nextSlot++;
    const gateway = {
      slot,
      revision: key,
      pod: 'gateway',
      host: '127.0.0.1',
      port: gatewayPort,
      isGateway: true,
    };
    this.#apply({ instances: [[slot, gateway]] });
    return slot;
  }

  /** A revision's owner is not settled, and requests in its instances end. */
  fence(key = 'ns/rev'): void {
    const entry = { ...(this.#entries.get(key) as RevisionEntry), placement: 'nowhere' as const };
    const slots = Array.from({ length: this.#nextSlot }, (_, slot) => slot);
    this.#apply({
      revisions: [[key, entry]],
      instances: slots.map((slot) => [slot, undefined]),
      fence: true,
    });
  }

  /** Sets the addresses of the other gateways. */
  allow(gateways: string[]): void {
    this.#apply({ gateways });
  }

  removeRevision(key: string): void {
    this.#apply({ revisions: [[key, undefined]] });
  }

  addInstance(revision: string, port: number, slot = this.#nextSlot++): number {
    const entry: InstanceEntry = { slot, revision, pod: `pod-${slot}`, host: '127.0.0.1', port };
    const affinity = this.#affinity.get(revision);
    if (affinity) entry.cookie = instanceCookie(AFFINITY_KEY, affinity, entry.pod);
    this.#apply({ instances: [[slot, entry]] });
    return slot;
  }

  /** Gives an instance another cookie, as a new key does. @returns the cookie. */
  changeCookie(revision: string, port: number, slot: number): string {
    const cookie = 'c'.repeat(40);
    const entry: InstanceEntry = { slot, revision, pod: `pod-${slot}`, host: '127.0.0.1', port, cookie };
    this.#apply({ instances: [[slot, entry]] });
    return cookie;
  }

  removeInstance(slot: number): void {
    this.#apply({ instances: [[slot, undefined]] });
  }

  /** Messages of one kind that data planes have sent. */
  sent<K extends FromThread['kind']>(kind: K): Extract<FromThread, { kind: K }>[] {
    return this.messages.filter(
      (message): message is Extract<FromThread, { kind: K }> => message.kind === kind,
    );
  }

  async close(): Promise<void> {
    await Promise.all(this.planes.map((plane) => plane.stop(0)));
  }

  #apply(part: Partial<TableUpdate>): void {
    const version = ++this.#version;
    for (const plane of this.planes) {
      plane.apply({
        kind: 'update',
        version,
        hosts: [],
        revisions: [],
        instances: [],
        certificates: [],
        ...part,
      });
    }
  }
}

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
}

/** Sends one request over a connection of its own. */
export async function ask(
  origin: string,
  path = '/',
  options: { method?: string; host?: string; headers?: Record<string, string>; body?: string | Buffer } = {},
): Promise<Answer> {
  const client = new Client(origin, { pipelining: 1 });
  const { method = 'GET', host = 'app.test', headers, body } = options;
  try {
    const response = await client.request({
      path,
      method,
      headers: { host, ...headers },
      body: body ?? null,
    });
    return { status: response.statusCode, headers: response.headers, text: await response.body.text() };
  } finally {
    await client.close();
  }
}

/** Sends bytes and reads until the connection closes or `enough` is seen. */
export async function raw(port: number, bytes: string, enough = /$^/): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1' });
  let text = '';
  socket.setEncoding('latin1');
  socket.on('data', (part) => {
    text += part;
    if (enough.test(text)) socket.destroy();
  });
  socket.on('error', () => {});
  socket.write(bytes, 'latin1');
  await once(socket, 'close');
  return text;
}

/** A program on a port of its own. */
export async function backend(listener: RequestListener): Promise<{ server: Server; port: number }> {
  const server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as { port: number }).port };
}
