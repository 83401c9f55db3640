import { closeSync, openSync, readSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What the API server tells of one request in its audit log (audit.k8s.io/v1, Event). */
interface AuditEvent {
  verb: string;
  user: { username: string };
  objectRef?: { apiGroup?: string; resource?: string; subresource?: string };
}

/** Requests to the API server by what they do to it. */
export interface Calls {
  writes: number;
  reads: number;
  /** Renewals of leases, which a leader writes every few seconds by design (client-go, leader election). */
  leases: number;
  /** How many of each kind: `homerun-controller patch services/status`. */
  kinds: Record<string, number>;
}

const WRITES: ReadonlySet<string> = new Set(['create', 'update', 'patch', 'delete', 'deletecollection']);
/** What is asked by POST and stored nowhere. */
const REVIEWS = /reviews$/;

/**
 * Counts requests; an open watch counts when it ends and is opened again.
 * @param lines of the API server's audit log.
 */
export function callsOf(lines: readonly string[]): Calls {
  const calls: Calls = { writes: 0, reads: 0, leases: 0, kinds: {} };
  for (const line of lines) {
    const event = JSON.parse(line) as AuditEvent;
    const { resource = 'paths', subresource } = event.objectRef ?? {};
    const isWrite = WRITES.has(event.verb) && !REVIEWS.test(resource);
    if (resource === 'leases') calls.leases++;
    else if (isWrite) calls.writes++;
    else calls.reads++;
    const who = event.user.username.split(':').at(-1);
    const kind = `${who} ${event.verb} ${[resource, subresource].filter(Boolean).join('/')}`;
    calls.kinds[kind] = (calls.kinds[kind] ?? 0) + 1;
  }
  return calls;
}

/** The log of what the accounts of one namespace ask the API server. */
export class AuditLog {
  readonly #file: string;
  readonly #policy: string;

  /** @param folder where policy and log lie. */
  constructor(folder: string, namespace: string) {
    this.#file = join(folder, 'audit.log');
    this.#policy = join(folder, 'audit-policy.json');
    const policy = {
      apiVersion: 'audit.k8s.io/v1',
      kind: 'Policy',
      omitStages: ['RequestReceived', 'ResponseStarted'],
      rules: [{ level: 'Metadata', userGroups: [`system:serviceaccounts:${namespace}`] }, { level: 'None' }],
    };
    writeFileSync(this.#policy, JSON.stringify(policy));
    writeFileSync(this.#file, '');
  }

  /** Flags of the API server that writes it. */
  get flags(): string[] {
    return [
      `--audit-policy-file=${this.#policy}`,
      `--audit-log-path=${this.#file}`,
      // In MB; a log that is begun anew cannot be counted on from where it was.
      '--audit-log-maxsize=100000',
    ];
  }

  /** Where the log ends now. */
  get end(): number {
    return statSync(this.#file).size;
  }

  /** What was asked since the log ended at `begin`. */
  since(begin: number): Calls {
    const bytes = Buffer.alloc(this.end - begin);
    const file = openSync(this.#file, 'r');
    readSync(file, bytes, 0, bytes.length, begin);
    closeSync(file);
    // The last one may be half written.
    return callsOf(bytes.toString().split('\n').slice(0, -1));
  }
}
