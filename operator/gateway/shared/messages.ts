/** Which protocol the ingress container speaks: `h2c` when its port has that name, else HTTP/1.1. */
export type Protocol = 'http1' | 'h2c';

/** A share of a host's requests. A host's percentages add up to 100. */
export interface Target {
  revision: string;
  percent: number;
}

/** Who answers at a host name, and to whom. */
export interface HostEntry {
  targets: Target[];
  /** Only requests that came to the internal port get an answer. */
  internalOnly: boolean;
}

/** What a data thread knows of a revision. Revisions are named `namespace/name`. */
export interface RevisionEntry {
  key: string;
  /** Row in the shared counts. */
  index: number;
  /** Requests inside one instance at a time (`containerConcurrency`). */
  limit: number;
  /** `timeoutSeconds`, in ms. */
  timeoutMs: number;
  protocol: Protocol;
  /** How long a request may wait for an instance. */
  queueLimitMs: number;
  /** Its service is set to no instance at all: requests are refused, and none is started for them. */
  stopped?: boolean;
  /** Why none of its instances can start, in one word, as its controller tells it; unset while nothing is known. */
  failing?: string;
}

/** An instance that has passed its startup probe. */
export interface InstanceEntry {
  /** Place in the shared counts. */
  slot: number;
  revision: string;
  pod: string;
  host: string;
  port: number;
}

/** What changed since the last update; `undefined` removes. Entries apply in the order revisions, instances, hosts. */
export interface TableUpdate {
  kind: 'update';
  version: number;
  hosts: [host: string, entry: HostEntry | undefined][];
  revisions: [key: string, entry: RevisionEntry | undefined][];
  instances: [slot: number, entry: InstanceEntry | undefined][];
}

export type ToThread =
  | TableUpdate
  | { kind: 'closing' }
  /** A thread was added: this share of the connections moves to it, each after an answer. */
  | { kind: 'shed'; share: number }
  | { kind: 'stop'; graceMs: number };

export type FromThread =
  | { kind: 'listening' }
  /** The thread uses the table of this version: no request takes what it removed. */
  | { kind: 'applied'; version: number }
  /** A request waits and no instance is there; repeated while that is so. */
  | { kind: 'wanted'; revision: string }
  /** An instance did not accept a connection. */
  | { kind: 'refused'; slot: number; reason: string }
  /** An exchange ended by an error that nobody expected. */
  | { kind: 'fault'; error: string }
  | { kind: 'stopped' };

/** How a data thread reaches the control thread. */
export interface Link {
  send(message: FromThread): void;
}

/** The channel on which data threads tell each other that a place became free: [thread that should look, revision index]. */
export const WAKE_CHANNEL = 'homerun-gateway-places';
export type WakeMessage = [thread: number, revision: number];
