import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { DrainOrders, DrainState } from '../../gateway/shared/drainProtocol.ts';
import type { RevisionStatsReport, StatsReport } from '../../gateway/shared/statsReport.ts';
import type { Pod } from '../../kube/core.ts';

/** How a {@link FakeGateway} answers `/stats`. */
export type Mood = 'well' | 'silent' | 'refusing' | 'garbage';

/** A gateway as the autoscaler sees it: a real HTTP server at an address of its own on loopback. */
export class FakeGateway {
  readonly address: string;
  readonly port: number;
  mood: Mood = 'well';
  /** A process that starts again counts from zero. */
  start = 1;
  now: () => number = Date.now;
  readonly revisions: Record<string, RevisionStatsReport> = {};
  asked = 0;
  /** `old` knows no drains; `forbidden` rejects the orders of this controller. */
  kind: 'new' | 'old' | 'forbidden' = 'new';
  /** The last orders, and the drain states to report by UID of the pod; by default as ordered. */
  orders: DrainOrders | undefined;
  readonly drains: Record<string, DrainState> = {};
  /** When a revision last changed. */
  readonly #changedAt = new Map<string, number>();
  #countedAt: number | undefined;
  #beforeAnswer: (() => void)[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    const { address, port } = server.address() as AddressInfo;
    this.#server = server;
    this.address = address;
    this.port = port;
    server.on('request', (request, response) => {
      void text(request).then((body) => {
        for (const act of this.#beforeAnswer.splice(0)) act();
        this.#answer(request.method === 'POST', body, response);
      });
    });
  }

  /** Gateways share their port, as pods do, so each needs its own address: 127.0.0.1, 127.0.0.2, ... */
  static async listen(address = '127.0.0.1', port = 0): Promise<FakeGateway> {
    const server = createServer().listen(port, address);
    await once(server, 'listening');
    return new FakeGateway(server);
  }

  get stats(): StatsReport {
    const asked = Object.entries(this.orders?.instances ?? {});
    const drains = this.orders && {
      drains: Object.fromEntries(
        asked.map(([uid, step]) => [uid, this.drains[uid] ?? (step === 'drain' ? 'drained' : 'released')]),
      ),
    };
    const at = this.now();
    const { start, at: since = 0 } = this.orders?.known ?? {};
    const partial = start === this.start;
    const isNews = ([name, { inFlight, queued }]: [string, RevisionStatsReport]) =>
      inFlight + queued > 0 || (this.#changedAt.get(name) ?? 0) >= since;
    const revisions = partial
      ? Object.fromEntries(Object.entries(this.revisions).filter(isNews))
      : this.revisions;
    return { now: at, instance: { start: this.start }, at, partial, revisions, ...drains };
  }

  #answer(isPost: boolean, body: string, response: ServerResponse): void {
    if (isPost && this.kind !== 'new') {
      response.writeHead(this.kind === 'old' ? 404 : 403).end();
      return;
    }
    this.asked++;
    if (this.mood === 'silent') return;
    response.statusCode = this.mood === 'refusing' ? 503 : 200;
    if (!isPost) this.orders = undefined;
    else this.orders = JSON.parse(body) as DrainOrders;
    this.#count();
    response.end(this.mood === 'garbage' ? '{"now":"noon"}' : JSON.stringify(this.stats));
  }

  /** Adds the requests that are present to what has been counted since the last report, as a real gateway does. */
  #count(): void {
    const now = this.now();
    const elapsed = Math.max(0, now - (this.#countedAt ?? now));
    this.#countedAt = now;
    for (const [name, row] of Object.entries(this.revisions)) {
      const concurrencyMs = row.concurrencyMs + (row.inFlight + row.queued) * elapsed;
      this.revisions[name] = { ...row, concurrencyMs };
    }
  }

  /** Does something between the next question and its answer, so that both sides see it done. */
  beforeAnswer(act: () => void): Promise<void> {
    return new Promise((resolve) => {
      this.#beforeAnswer.push(() => {
        act();
        resolve();
      });
    });
  }

  /** Sets the report of a revision. */
  tell(revision: string, changes: Partial<RevisionStatsReport>): void {
    const zero = { requests: 0, concurrencyMs: 0, inFlight: 0, queued: 0, lastRequestAt: 0, instances: {} };
    this.#changedAt.set(revision, this.now());
    this.revisions[revision] = { ...zero, ...this.revisions[revision], ...changes };
  }

  pod(name: string, changes: { deleted?: boolean; ready?: boolean; running?: boolean } = {}): Pod {
    const { deleted = false, ready = true, running = true } = changes;
    return {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name,
        namespace: 'homerun-system',
        uid: name,
        labels: { 'app.kubernetes.io/name': 'homerun', 'app.kubernetes.io/component': 'gateway' },
        ...(deleted && { deletionTimestamp: '2026-01-01T00:00:00Z' }),
      },
      spec: { containers: [] },
      status: {
        phase: 'Running',
        podIP: this.address,
        conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
        containerStatuses: [{ state: running ? { running: {} } : { waiting: {} } }],
      },
    } as unknown as Pod;
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
