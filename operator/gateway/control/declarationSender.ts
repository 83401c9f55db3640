import request from 'undici/lib/api/api-request.js';
import Agent from 'undici/lib/dispatcher/agent.js';
import type { Logger } from '../../telemetry/log.ts';
import { clock } from '../shared/clock.ts';
import { httpOrigin } from '../shared/origin.ts';
import { checkDeclaration, type Declaration } from './declaration.ts';
import type { GatewayAddress } from './gatewayPods.ts';

const TIMEOUT_MS = 1000;
/** Between two declarations to a gateway that does not answer. */
const RETRY_MS = 100;
/** How often it is said that a gateway does not answer. */
const COMPLAIN_MS = 60_000;

/** What is being sent to another gateway. */
interface Line {
  busy: boolean;
  failedAt: number;
  complainedAt: number;
}

/** Posts declarations to the other gateways, one at a time to each. */
export class DeclarationSender {
  readonly #log: Logger;
  readonly #lines = new Map<string, Line>();
  readonly #agent = new Agent({ connections: 1, pipelining: 1, connectTimeout: TIMEOUT_MS });

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Whether an answer is awaited. */
  get isBusy(): boolean {
    return [...this.#lines.values()].some(({ busy }) => busy);
  }

  /** Whether nothing is being sent to a gateway, and none has failed just now. */
  isFree(id: string): boolean {
    const line = this.#lines.get(id);
    return !line || (!line.busy && clock() - line.failedAt >= RETRY_MS);
  }

  /** Forgets the gateways that are gone. */
  retain(present: ReadonlyMap<string, unknown>): void {
    for (const id of this.#lines.keys()) if (!present.has(id)) this.#lines.delete(id);
  }

  /** @returns the answer; undefined when there is none. */
  async send(
    id: string,
    address: GatewayAddress,
    declaration: Declaration,
  ): Promise<Declaration | undefined> {
    const line = this.#lines.get(id) ?? { busy: false, failedAt: 0, complainedAt: clock() };
    this.#lines.set(id, line);
    line.busy = true;
    try {
      const answer = await this.#post(address, declaration);
      line.complainedAt = clock();
      return answer;
    } catch (error) {
      this.#failed(line, address, error);
      return undefined;
    } finally {
      line.busy = false;
    }
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }

  #failed(line: Line, { pod }: GatewayAddress, error: unknown): void {
    const now = clock();
    line.failedAt = now;
    if (now - line.complainedAt < COMPLAIN_MS) return;
    line.complainedAt = now;
    this.#log.warn(
      { pod, err: error },
      'another gateway does not answer: requests of revisions with a containerConcurrency that it may own wait',
    );
  }

  async #post({ host, adminPort }: GatewayAddress, declaration: Declaration): Promise<Declaration> {
    const { statusCode, body } = await request.call(this.#agent, {
      origin: httpOrigin(host, adminPort),
      path: '/replicas',
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(declaration),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (statusCode === 200) return checkDeclaration(await body.json());
    const text = await body.text();
    throw new Error(`POST /replicas answered ${statusCode}: ${text.trim()}`);
  }
}
