import { deepEqual, equal } from 'node:assert/strict';
import fc from 'fast-check';
import type { Pod } from '../kube/core.ts';
import { addressesOf, findOwner, startingOn } from './addressOwner.ts';
import { EPOCH, instance } from './testing/pods.ts';

const ADDRESSES = ['10.0.0.1', '10.0.0.2'];

/** One pod, as it is and as the API shows it, which is later. */
interface Life {
  name: string;
  restartPolicy: 'Always' | 'Never';
  /** The address that its processes send from, while they run. */
  address?: string;
  ended: boolean;
  shown: Pod;
}

/** A node with few addresses, whose kubelet reports everything late. */
class Node {
  readonly pods: Life[] = [];
  #serial = 0;

  /** A pod is bound to the node before any of its containers runs. */
  bind(restartPolicy: Life['restartPolicy']): void {
    const name = `pod-${this.#serial++}`;
    this.pods.push({ name, restartPolicy, ended: false, shown: instance(name, { restartPolicy }) });
  }

  /** It runs, with any address that is free at this moment. */
  start(life: Life): void {
    const free = ADDRESSES.find((address) => !this.pods.some((each) => each.address === address));
    if (life.address || life.ended || !free) return;
    life.address = free;
  }

  /** The kubelet reports its address. */
  report(life: Life): void {
    const { restartPolicy, address: ip } = life;
    const deleting = life.shown.metadata.deletionTimestamp !== undefined;
    if (ip) life.shown = instance(life.name, { restartPolicy, ip, deleting });
  }

  remove(life: Life): void {
    const { restartPolicy } = life;
    const [ip] = addressesOf(life.shown);
    life.shown = instance(life.name, { restartPolicy, ip, deleting: true });
  }

  /** Its processes are gone and its address is free: when it is being deleted, or when a task is done. */
  end(life: Life): void {
    if (!life.shown.metadata.deletionTimestamp && life.restartPolicy === 'Always') return;
    life.address = undefined;
    life.ended = true;
  }

  /** The API shows that it is gone. */
  forget(life: Life): void {
    if (life.ended) this.pods.splice(this.pods.indexOf(life), 1);
  }

  owner(address: string): string | undefined {
    const shown = this.pods.map((life) => life.shown);
    const claimants = shown.filter((pod) => addressesOf(pod).includes(address));
    const owner = findOwner(
      claimants,
      (node) => shown.filter((pod) => startingOn(pod).includes(node)),
      EPOCH,
    );
    return owner.state === 'owned' ? owner.pod.metadata.name : undefined;
  }
}

const STEPS = ['start', 'report', 'remove', 'end', 'forget'] as const;
const step = fc.oneof(
  {
    weight: 1,
    arbitrary: fc.record({
      act: fc.constant('bind' as const),
      policy: fc.constantFrom('Always' as const, 'Never' as const),
    }),
  },
  { weight: 6, arbitrary: fc.record({ act: fc.constantFrom(...STEPS), which: fc.nat(2) }) },
);

describe('the sender from an address, in whatever order events happen and the API shows them', () => {
  it('is never taken for another pod', () => {
    let known = 0;
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 80, size: 'max' }), (steps) => {
        const node = new Node();
        for (const each of steps) {
          if (each.act === 'bind') node.bind(each.policy);
          else {
            const life = node.pods[each.which % Math.max(1, node.pods.length)];
            if (life) node[each.act](life);
          }
          for (const { address, name } of node.pods) {
            const owner = address && node.owner(address);
            if (!owner) continue;
            known++;
            equal(owner, name);
          }
        }
      }),
      { numRuns: 1_000 },
    );
    equal(known > 1_000, true, 'and is known often enough for this to mean something');
  });

  it('is known in the end', () => {
    const node = new Node();
    node.bind('Never');
    node.bind('Always');
    for (const act of ['start', 'report'] as const) for (const life of node.pods) node[act](life);
    deepEqual(
      node.pods.map(({ address = '' }) => node.owner(address)),
      ['pod-0', 'pod-1'],
    );
  });
});
