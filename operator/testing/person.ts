import assert from 'node:assert/strict';
import { type Condition, conditionOf } from '../apis/condition.ts';
import { REVISIONS } from '../apis/serving/revision/types.ts';
import { deepEqual } from '../kube/json.ts';
import { type KubeObject, keyOf, type ResourceType } from '../kube/types.ts';
import { falseClaims } from './claims.ts';
import type { FakeApiServer } from './fakeApiServer.ts';
import type { Random } from './random.ts';
import { until } from './until.ts';

/** Where a {@link Person} works. */
export const NAMESPACE = 'demo';

type Conditioned = KubeObject & { status?: { observedGeneration?: number; conditions?: Condition[] } };

/** Someone who asks a fake API server for things that are all possible, and sees whether what is said of them is true. */
export class Person {
  readonly random: Random;
  readonly server: FakeApiServer;
  /** What was said that was not so. */
  readonly #wrong: string[] = [];

  constructor(server: FakeApiServer, random: Random) {
    this.server = server;
    this.random = random;
    server.storage.listeners.add(({ type, before, after, deleted }) => {
      if (deleted) return;
      const changed = type === REVISIONS && before && !deepEqual(before.spec, after.spec);
      // What a person writes leaves the status as it was, and that is of the generation before.
      const says = before === undefined || !deepEqual(before.status, after.status);
      const claims = changed ? ['it is never changed'] : says ? falseClaims(server, type, after) : [];
      for (const claim of claims) {
        this.#wrong.push(`${type.kind} ${keyOf(after.metadata)} (${after.metadata.generation}): ${claim}`);
      }
    });
  }

  /** Writes an object as `kubectl apply` does. */
  apply<T extends KubeObject>(type: ResourceType<T>, { metadata, ...object }: T): Promise<T> {
    const { name, annotations } = metadata;
    const written = { ...object, metadata: { name, namespace: NAMESPACE, annotations } };
    return this.server.client.apply(type, written, { fieldManager: 'person' });
  }

  /** Deletes an object; what belongs to it goes later. */
  remove(type: ResourceType, name: string): Promise<boolean> {
    return this.server.client.delete(type, { namespace: NAMESPACE, name });
  }

  /** Waits until what was asked for last is settled well. */
  ready(type: ResourceType, name: string, condition = 'Ready'): Promise<void> {
    return this.settled(type, name, 'True', condition);
  }

  /** Waits until what was asked for last is settled in this way. */
  async settled(
    type: ResourceType,
    name: string,
    status: Condition['status'],
    condition = 'Ready',
  ): Promise<void> {
    await this.#sees(`${condition}=${status} of ${type.kind} ${name}`, () => {
      const found = this.server.get(type, { namespace: NAMESPACE, name }) as Conditioned | undefined;
      const current = found?.status?.observedGeneration === found?.metadata.generation;
      return current && conditionOf(found?.status?.conditions, condition)?.status === status;
    });
  }

  /** Waits until it is settled, or goes on as soon as the revision is there. */
  async readyOrMade(type: ResourceType, name: string, revision: string): Promise<void> {
    if (this.random.chance(0.5)) return this.ready(type, name);
    const ref = { namespace: NAMESPACE, name: revision };
    await this.#sees(`revision ${revision}`, () => this.server.get(REVISIONS, ref) !== undefined);
  }

  async #sees(what: string, probe: () => boolean | undefined): Promise<void> {
    const seen = () => this.#wrong.length > 0 || probe();
    await until(what, seen, { everyMs: 2 });
    assert.deepEqual(this.#wrong, []);
  }
}
