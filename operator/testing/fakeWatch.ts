import type { ServerResponse } from 'node:http';
import type { ResourceType } from '../kube/types.ts';
import { Rejection, type Stored } from './fakeRules.ts';
import type { StorageEvent } from './fakeStorage.ts';
import { fieldTest, labelTest } from './selectors.ts';

export type Selection = (object: Stored) => boolean;

/** The objects that a list or a watch asks for. @throws {Rejection} 400 for a selector that does not parse. */
export function selection(namespace: string | undefined, query: URLSearchParams): Selection {
  try {
    const labels = labelTest(query.get('labelSelector') ?? '');
    const fields = fieldTest(query.get('fieldSelector') ?? '');
    return (object) =>
      (namespace === undefined || object.metadata.namespace === namespace) &&
      labels(object) &&
      fields(object);
  } catch (error) {
    throw new Rejection(400, 'BadRequest', (error as Error).message);
  }
}

/** One open watch. */
export class FakeWatch {
  readonly #response: ServerResponse;
  readonly #test: Selection;
  readonly #type: ResourceType;
  readonly #bookmarks: boolean;
  readonly #show: (object: Stored) => Stored;
  /** What is kept back while the server is paused or its watches are held. */
  #held: string[] | undefined;

  constructor(
    response: ServerResponse,
    options: { type: ResourceType; test: Selection; bookmarks: boolean; show: (object: Stored) => Stored },
  ) {
    this.#response = response;
    this.#test = options.test;
    this.#type = options.type;
    this.#bookmarks = options.bookmarks;
    this.#show = options.show;
    response.writeHead(200, { 'content-type': 'application/json', 'transfer-encoding': 'chunked' });
    response.flushHeaders();
  }

  /** Sends the current state of an object, as a watch without a version does first. */
  begin(object: Stored): void {
    if (this.#test(object)) this.write({ type: 'ADDED', object: this.#show(object) });
  }

  /** An object that begins or ceases to match is added or deleted as far as this watch is concerned. */
  send({ type, before, after, deleted }: StorageEvent): void {
    if (type.plural !== this.#type.plural || type.apiVersion !== this.#type.apiVersion) return;
    const was = before !== undefined && this.#test(before);
    const is = !deleted && this.#test(after);
    if (!was && !is) return;
    const object =
      is || deleted
        ? after
        : { ...before, metadata: { ...before?.metadata, resourceVersion: after.metadata.resourceVersion } };
    this.write({ type: is ? (was ? 'MODIFIED' : 'ADDED') : 'DELETED', object: this.#show(object as Stored) });
  }

  bookmark(version: number): void {
    if (!this.#bookmarks) return;
    const { apiVersion, kind } = this.#type;
    const metadata = { resourceVersion: String(version), creationTimestamp: null };
    this.write({ type: 'BOOKMARK', object: { apiVersion, kind, metadata } });
  }

  write(event: unknown): void {
    const line = `${JSON.stringify(event)}\n`;
    if (this.#held) this.#held.push(line);
    else if (!this.#response.writableEnded) this.#response.write(line);
  }

  end(): void {
    this.#response.end();
  }

  hold(): void {
    this.#held ??= [];
  }

  /** Whether it keeps something back. */
  get isBehind(): boolean {
    return (this.#held?.length ?? 0) > 0;
  }

  /** Sends the oldest of what is kept back. */
  pass(): void {
    const line = this.#held?.shift();
    if (line !== undefined && !this.#response.writableEnded) this.#response.write(line);
  }

  release(): void {
    for (const line of this.#held ?? []) this.#response.write(line);
    this.#held = undefined;
  }
}
