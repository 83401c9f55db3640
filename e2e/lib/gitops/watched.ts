import type { KubeClient } from '../../../operator/kube/client.ts';
import { Informer } from '../../../operator/kube/informer.ts';
import type { KubeObject, ResourceType } from '../../../operator/kube/types.ts';
import { silent, until } from '../../../operator/testing/until.ts';

export interface WatchedOptions<T extends KubeObject> {
  client: KubeClient;
  type: ResourceType<T>;
  namespace: string;
  /** What is kept of each state of an object: a text by what it is about. */
  note: (object: T) => Readonly<Record<string, string>>;
  /** What the program that keeps the objects' status has logged, for errors. */
  log: () => string;
}

/** Objects in whose status a program says what it does, and what it has said since. */
export class Watched<T extends KubeObject> {
  readonly #options: WatchedOptions<T>;
  readonly #informer: Informer<T>;
  readonly #seen = new Map<string, string[]>();
  readonly #stop = new AbortController();
  readonly #running: Promise<unknown>;

  constructor(options: WatchedOptions<T>) {
    const { client, type, namespace } = options;
    this.#options = options;
    this.#informer = new Informer({ client, log: silent, type, namespace });
    this.#informer.onChange(({ object }) => this.#note(object));
    this.#running = this.#informer.run(this.#stop.signal);
  }

  /**
   * Waits until an object is so.
   * @throws with its last state and all that the program has logged.
   */
  async becomes(
    name: string,
    what: string,
    is: (found: T) => boolean | undefined,
    timeoutMs?: number,
  ): Promise<T> {
    const { namespace, log } = this.#options;
    const now = () => this.#informer.store.get(`${namespace}/${name}`);
    const found = () => {
      const object = now();
      return object && is(object) ? object : undefined;
    };
    return until(`${name}: ${what}`, found, { timeoutMs }).catch((cause) => {
      throw new Error(`${cause.message}\n${JSON.stringify(now(), null, 1)}\n${log()}`, { cause });
    }) as Promise<T>;
  }

  /** Deletes one with all that it has made; resolves when it is gone. */
  async delete(name: string): Promise<void> {
    const { client, type, namespace } = this.#options;
    const ref = { namespace, name };
    await client.delete(type, ref);
    await until(`${name} is gone`, async () => !(await client.get(type, ref)));
  }

  /** What has been noted about something, without repetitions. */
  seen(about: string): string[] {
    return this.#seen.get(about) ?? [];
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  #note(object: T): void {
    for (const [about, text] of Object.entries(this.#options.note(object))) {
      const before = this.seen(about);
      if (before.at(-1) !== text) this.#seen.set(about, [...before, text]);
    }
  }
}
