import { deepEqual, equal } from 'node:assert/strict';
import fc from 'fast-check';
import type { Pod } from '../kube/core.ts';
import { addressesOf, findOwner, startingOn } from './addressOwner.ts';
import { EPOCH, instance } from './testing/pods.ts';

const ip = '10.0.0.5';
const fresh = instance('fresh', { scheduledAt: EPOCH });
const stuck = instance('stuck', { scheduledAt: EPOCH - 60_000 });

const CASES: Record<string, { reason: string; claimants: Pod[]; starting?: Pod[]; want: string }> = {
  none: { reason: 'an address that no pod has', claimants: [], want: 'unknown' },
  'one pod': { reason: 'the usual case', claimants: [instance('a', { ip })], want: 'a' },
  'ended pods': {
    reason: 'their address is another’s now, though they still show it',
    claimants: [instance('a', { ip, phase: 'Succeeded' }), instance('b', { ip, phase: 'Failed' })],
    want: 'unknown',
  },
  'ended pod and a new one': {
    reason: 'the new one has it',
    claimants: [instance('a', { ip, phase: 'Succeeded' }), instance('b', { ip })],
    want: 'b',
  },
  'pod of the host network': {
    reason: 'all host network pods share the node’s address',
    claimants: [instance('a', { ip, hostNetwork: true })],
    want: 'unknown',
  },
  'two that stay': {
    reason: 'one of them is outdated, and it is unknown which',
    claimants: [instance('a', { ip }), instance('b', { ip })],
    want: 'contested',
  },
  'one that goes and one that stays': {
    reason: 'the terminating one has released it',
    claimants: [instance('a', { ip, deleting: true }), instance('b', { ip })],
    want: 'b',
  },
  'two that go': {
    reason: 'neither is certain',
    claimants: [instance('a', { ip, deleting: true }), instance('b', { ip, deleting: true })],
    want: 'contested',
  },
  'a task and one that goes': {
    reason: 'the task may have ended before the other started',
    claimants: [instance('a', { ip, restartPolicy: 'Never' }), instance('b', { ip, deleting: true })],
    want: 'contested',
  },
  'one that goes': {
    reason: 'a program may use its last seconds',
    claimants: [instance('a', { ip, deleting: true })],
    want: 'a',
  },
  'one that goes while another comes': {
    reason: 'the new one may have the address already',
    claimants: [instance('a', { ip, deleting: true })],
    starting: [fresh],
    want: 'contested',
  },
  'one that stays while another comes': {
    reason: 'its address cannot be released',
    claimants: [instance('a', { ip })],
    starting: [fresh],
    want: 'a',
  },
  'a task while another pod comes': {
    reason: 'a task may have ended a moment ago',
    claimants: [instance('a', { ip, restartPolicy: 'Never' })],
    starting: [fresh],
    want: 'contested',
  },
  'a task beside a pod that has hung for long': {
    reason: 'a pod that cannot start must not lock out others forever',
    claimants: [instance('a', { ip, restartPolicy: 'Never' })],
    starting: [stuck],
    want: 'a',
  },
};

describe('findOwner', () => {
  for (const [name, { reason, claimants, starting = [], want }] of Object.entries(CASES)) {
    it(`${name}: ${reason}`, () => {
      for (const order of [claimants, claimants.toReversed()]) {
        const owner = findOwner(order, (node) => (node === 'node-1' ? starting : []), EPOCH);
        equal(owner.state === 'owned' ? owner.pod.metadata.name : owner.state, want);
      }
    });
  }

  it('never gives an address to a pod that has ended, shares the node’s, or to one of two', () => {
    const pod = fc
      .record({
        phase: fc.constantFrom('Pending', 'Running', 'Succeeded', 'Failed'),
        hostNetwork: fc.boolean(),
        deleting: fc.boolean(),
        restartPolicy: fc.constantFrom('Always', 'Never'),
      })
      .map((fields) => instance('a', { ip, ...fields }));
    fc.assert(
      fc.property(fc.array(pod, { maxLength: 4 }), (pods) => {
        const owner = findOwner(pods, () => [], EPOCH);
        if (owner.state !== 'owned') return;
        const { spec, status } = owner.pod;
        equal(spec?.hostNetwork, false);
        equal(status?.phase === 'Running' || status?.phase === 'Pending', true);
        const rivals = pods.filter((each) => addressesOf(each).length > 0 && each !== owner.pod);
        if (rivals.length === 0) return;
        const mayHaveEnded = (each: Pod) =>
          each.metadata.deletionTimestamp || each.spec?.restartPolicy === 'Never';
        equal(rivals.every(mayHaveEnded) && !mayHaveEnded(owner.pod), true);
      }),
    );
  });
});

describe('indexes of pods', () => {
  it('find a pod by each of its addresses', () => {
    deepEqual(addressesOf(instance('a', { ip, ips: [ip, 'fd00::5'] })), [ip, 'fd00::5']);
    deepEqual(addressesOf(instance('a', { ip, phase: 'Failed' })), []);
    deepEqual(addressesOf(instance('a')), []);
  });

  it('find pods that have no address yet by their node', () => {
    deepEqual(startingOn(instance('a')), ['node-1']);
    deepEqual(startingOn(instance('a', { node: '' })), []);
    deepEqual(startingOn(instance('a', { ip })), []);
    deepEqual(startingOn(instance('a', { hostNetwork: true })), []);
    deepEqual(startingOn(instance('a', { phase: 'Failed' })), []);
  });
});
