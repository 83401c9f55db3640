import type { IssuerEntry } from '../../identity/issuer.ts';
import type { InvokersEntry } from './invokers.ts';

/** The protocol of the ingress container: `h2c` when its port has that name, else HTTP/1.1. */
export type Protocol = 'http1' | 'h2c';

/** A share of a host's requests. A host's percentages add up to 100. */
export interface Target {
  revision: string;
  percent: number;
}

/** The targets of a host name, and who may reach them. */
export interface HostEntry {
  targets: Target[];
  /** Only requests to the internal port are served. */
  internalOnly: boolean;
  /** Unset for a service that everyone may call. */
  invokers?: InvokersEntry;
}

/**
 * Where the requests of a revision go: to its instances, to the gateway that owns it, or nowhere until its owner is
 * settled (docs/adr/0012).
 */
export type Placement = 'instances' | 'gateway' | 'nowhere';

/** A revision as a data thread has it. Revisions are named `namespace/name`. */
export interface RevisionEntry {
  key: string;
  /** Row in the shared counts. */
  index: number;
  /** Requests in flight in one instance (`containerConcurrency`). */
  limit: number;
  /** `timeoutSeconds`, in ms. */
  timeoutMs: number;
  protocol: Protocol;
  /** How long a request may wait for an instance. */
  queueLimitMs: number;
  /** Its service's manual instance count is 0: requests are rejected, and no instance is started for them. */
  stopped?: boolean;
  /** The reason why none of its instances can start, as its controller reports it in the condition; unset otherwise. */
  failing?: string;
  /** What the cookies of its clients begin with; unset without session affinity. */
  affinity?: string;
  /** Unset while it is `instances`. */
  placement?: Exclude<Placement, 'instances'>;
}

/** An instance that has passed its startup probe. */
export interface InstanceEntry {
  /** Row in the shared counts. */
  slot: number;
  revision: string;
  pod: string;
  host: string;
  port: number;
  /** Value of the cookie that binds a client to it; unset without session affinity. */
  cookie?: string;
  /** It is not an instance but the gateway that owns the revision. */
  isGateway?: boolean;
}

/** A certificate with its chain and its private key, both PEM. */
export interface CertificateEntry {
  certificate: string;
  key: string;
  /** Host names for which it is served, in lower case; `*.example.com` is every name with one more label. */
  names: string[];
}

/** What changed since the last update; `undefined` removes. Entries apply in the order revisions, instances, hosts; removed instances first. */
export interface TableUpdate {
  kind: 'update';
  version: number;
  hosts: [host: string, entry: HostEntry | undefined][];
  revisions: [key: string, entry: RevisionEntry | undefined][];
  instances: [slot: number, entry: InstanceEntry | undefined][];
  /** By the Secret that each is from. */
  certificates: [secret: string, entry: CertificateEntry | undefined][];
  /** Addresses of the other gateways, from which forwarded requests come; unset when they have not changed. */
  gateways?: readonly string[];
  /** Whose identity tokens count; unset when that has not changed. */
  issuers?: readonly IssuerEntry[];
  /** Another gateway may take over: after the changes, requests in instances of revisions with a limit are aborted. */
  fence?: true;
}

export type ToThread =
  | TableUpdate
  | { kind: 'closing' }
  /** The thread's last batch of the access log was written. */
  | { kind: 'logged' }
  /** The thread's last batch of spans was taken. */
  | { kind: 'spansTaken' }
  /** A thread was added: this share of the connections moves to it, each after an answer. */
  | { kind: 'shed'; share: number }
  | { kind: 'stop'; graceMs: number };

export type FromThread =
  | { kind: 'listening' }
  /** The thread uses the table of this version: no new request uses what it removed. */
  | { kind: 'applied'; version: number }
  /** A request waits and the revision has no instance; repeated while that is so. */
  | { kind: 'wanted'; revision: string }
  /** The first byte of an instance's first response in this thread arrived, at this time on `clock()`. */
  | { kind: 'answered'; revision: string; at: number }
  /** An instance did not accept a connection. */
  | { kind: 'unreachable'; slot: number; reason: string }
  /** Lines of the access log; `logged` follows. */
  | { kind: 'accessLog'; chunks: string[] }
  /** Spans in the JSON form of OTLP, each with a comma behind it; `spansTaken` follows. */
  | { kind: 'spans'; chunks: string[]; count: number }
  /** A token names a key of this issuer that it is not known to have. */
  | { kind: 'unknownKey'; issuer: string }
  /** An exchange ended by an unexpected error. */
  | { kind: 'error'; error: string }
  | { kind: 'stopped' };

/** How a data thread reaches the control thread. */
export interface Link {
  send(message: FromThread): void;
}

/** The channel on which data threads notify each other of a free slot: [thread to notify, revision index]. */
export const WAKE_CHANNEL = 'homerun-gateway-slots';
export type WakeMessage = [thread: number, revision: number];
