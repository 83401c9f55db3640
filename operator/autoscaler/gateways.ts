import { Agent, request } from 'undici';
import type { DrainOrders, KnownReport } from '../gateway/shared/drainProtocol.ts';
import { httpOrigin } from '../gateway/shared/origin.ts';
import { checkStatsReport, type StatsReport } from '../gateway/shared/statsReport.ts';
import type { Pod } from '../kube/core.ts';
import { readyCondition } from '../kube/pod.ts';
import type { Logger } from '../telemetry/log.ts';
import { gatewayScrapeFailures } from '../telemetry/metrics.ts';
import { type Loads, loadsBetween, mergedStats } from './load.ts';
import { GatewayView, type Member } from './view.ts';

const TIMEOUT_MS = 800;
/** For this many missed scrapes a gateway's last report stands in. */
const MISSES_FORGIVEN = 1;

/** For so many rounds a gateway that has just started may not know this controller's pod. */
const FORBIDDEN_ROUNDS = 10;

/** After this many reports a gateway is asked for a full one, so that deleted revisions are dropped. */
const FULL_REPORT_EVERY = 600;

/** The state of one gateway process. */
interface Gateway {
  stats?: StatsReport;
  loads: Loads;
  /** When it last answered, by this process's clock. */
  answeredAt: number;
  misses: number;
  answers: number;
  /** Rounds in a row in which it reported its counts and rejected the orders. */
  forbidden: number;
}

/** A report, and whether the gateway accepted the orders. */
interface Answer {
  readonly stats: StatsReport;
  readonly accepted: boolean;
}

/** Sends the drain orders to all gateway pods, and reads their request counts. */
export class GatewayScraper {
  readonly #pods: () => readonly Pod[];
  readonly #adminPort: number;
  readonly #log: Logger;
  #agent: Agent | undefined;
  readonly #gateways = new Map<string, Gateway>();

  constructor(options: { pods: () => readonly Pod[]; adminPort: number; log: Logger }) {
    this.#pods = options.pods;
    this.#adminPort = options.adminPort;
    this.#log = options.log;
  }

  /** Scrapes all gateways at the same time; takes 0.8 s at most and never fails. */
  async collect(orders: DrainOrders, now: () => number): Promise<GatewayView> {
    const pods = this.#pods().filter(mayHoldRequests);
    this.#forgetAllBut(pods);
    const members = await Promise.all(pods.map((pod) => this.#scrape(pod, orders, now)));
    return new GatewayView(members, orders, now());
  }

  /** Closes the connections; the next scrape opens new ones. */
  async close(): Promise<void> {
    const agent = this.#agent;
    this.#agent = undefined;
    await agent?.destroy();
  }

  async #scrape(pod: Pod, orders: DrainOrders, now: () => number): Promise<Member> {
    const id = pod.metadata.uid ?? pod.metadata.name;
    const gateway: Gateway = this.#gateways.get(id) ?? {
      loads: new Map(),
      answeredAt: 0,
      misses: 0,
      answers: 0,
      forbidden: 0,
    };
    try {
      const body = JSON.stringify({ ...orders, known: knownOf(gateway) });
      const { stats: report, accepted } = await this.#fetch(pod.status?.podIP ?? '', body);
      gateway.answeredAt = now();
      gateway.loads = loadsBetween(gateway.stats, report, gateway.answeredAt);
      const stats = mergedStats(gateway.stats, report);
      gateway.stats = stats;
      gateway.answers++;
      gateway.misses = 0;
      gateway.forbidden = accepted ? 0 : gateway.forbidden + 1;
      this.#gateways.set(id, gateway);
      if (gateway.forbidden === FORBIDDEN_ROUNDS + 1) {
        // A proxy between the two changes addresses. That must not keep every instance forever.
        this.#log.warn(
          { pod: pod.metadata.name },
          'a gateway rejects drain orders because it does not know the address of this controller: instances are removed by its counts alone',
        );
      }
      return {
        state: accepted || gateway.forbidden > FORBIDDEN_ROUNDS ? 'answered' : 'forbidden',
        stats,
        loads: gateway.loads,
      };
    } catch (error) {
      gatewayScrapeFailures.inc();
      this.#log.debug({ err: error, pod: pod.metadata.name }, 'gateway does not report its request counts');
      return this.#missed(id, gateway, pod);
    }
  }

  #missed(id: string, gateway: Gateway, pod: Pod): Member {
    gateway.misses++;
    const { stats, loads, answeredAt, misses } = gateway;
    if (stats && misses <= MISSES_FORGIVEN) return { state: 'late', loads };
    // It has not started to serve.
    if (!stats && !readyCondition(pod)) return { state: 'absent' };
    if (pod.metadata.deletionTimestamp) {
      // It has drained and closed its ports; its requests have ended.
      this.#gateways.delete(id);
      return { state: 'absent' };
    }
    if (misses === MISSES_FORGIVEN + 1) {
      this.#log.warn(
        { pod: pod.metadata.name },
        'a gateway does not answer: its last counts hold for as long as its requests may last',
      );
    }
    this.#gateways.set(id, gateway);
    return stats ? { state: 'lost', stats, loads, answeredAt } : { state: 'unknown' };
  }

  async #fetch(podIP: string, body: string): Promise<Answer> {
    const posted = await this.#request(podIP, body);
    if (posted.statusCode === 200)
      return { stats: checkStatsReport(await posted.body.json()), accepted: true };
    await posted.body.dump();
    // A gateway of a release without drains (404), or one that does not know this controller's pod yet (403).
    if (posted.statusCode !== 404 && posted.statusCode !== 403) {
      throw new Error(`POST /stats answered ${posted.statusCode}`);
    }
    const read = await this.#request(podIP);
    if (read.statusCode === 200) {
      return { stats: checkStatsReport(await read.body.json()), accepted: posted.statusCode === 404 };
    }
    await read.body.dump();
    throw new Error(`GET /stats answered ${read.statusCode}`);
  }

  #request(podIP: string, body?: string) {
    this.#agent ??= new Agent({ connections: 1, pipelining: 1, connectTimeout: TIMEOUT_MS });
    return request(`${httpOrigin(podIP, this.#adminPort)}/stats`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: body === undefined ? {} : { 'content-type': 'application/json' },
      body,
      dispatcher: this.#agent,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  }

  #forgetAllBut(pods: readonly Pod[]): void {
    const ids = new Set(pods.map(({ metadata }) => metadata.uid ?? metadata.name));
    for (const id of this.#gateways.keys()) if (!ids.has(id)) this.#gateways.delete(id);
  }
}

/** The report that the next one may be based on. */
function knownOf({ stats, answers }: Gateway): KnownReport | undefined {
  if (stats?.at === undefined || answers % FULL_REPORT_EVERY === 0) return undefined;
  return { start: stats.instance.start, at: stats.at };
}

/** Whether a pod has an address and a running process, also while it drains. */
function mayHoldRequests(pod: Pod): boolean {
  const containers = pod.status?.containerStatuses ?? [];
  const running = containers.length === 0 || containers.some(({ state }) => state?.running);
  return pod.status?.phase === 'Running' && running && Boolean(pod.status.podIP);
}
