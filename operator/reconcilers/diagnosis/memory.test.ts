import assert from 'node:assert/strict';
import type { Container } from '../../apis/serving/container/types.ts';
import type { Pod } from '../../kube/core.ts';
import { EPOCH, pod } from '../../testing/serving.ts';
import { isSpent, type MemoryKill, memoryConditions, memoryKills, memoryMessage } from './memory.ts';

const AT = '2026-01-01T00:01:00Z';
const oom = { terminated: { exitCode: 137, reason: 'OOMKilled', startedAt: AT, finishedAt: AT } };
const done = { terminated: { exitCode: 0, reason: 'Completed', startedAt: AT, finishedAt: AT } };
const running = { running: { startedAt: AT } };
const MEMORY: MemoryKill = {
  id: `pod-x/user-container/${AT}`,
  what: 'memory',
  container: 'user-container',
  at: Date.parse(AT),
};
const SAID = 'Pod ephemeral local storage usage exceeds the total limit of containers 128Mi.';
const FILES: MemoryKill = { id: 'pod-x/files', what: 'files', message: SAID, at: Date.parse(AT) };

describe('memoryKills', () => {
  const evicted = { phase: 'Failed', reason: 'Evicted' } as const;
  const cases: Record<string, { of: Pod; eviction?: string; want: MemoryKill[]; reason: string }> = {
    running: { of: pod({ state: running }), want: [], reason: 'nothing has happened' },
    'stopped just now': { of: pod({ state: oom }), want: [MEMORY], reason: 'the kernel stopped it' },
    'started again': {
      of: pod({ state: running, lastState: oom }),
      want: [MEMORY],
      reason: 'the kubelet keeps the last end of a container',
    },
    'started again, and ended otherwise': {
      of: pod({ state: done, lastState: oom }),
      want: [],
      reason: 'its last end is another one',
    },
    'ended for its files': {
      of: pod({ state: done }, { ...evicted, message: `${SAID} ` }),
      want: [FILES],
      reason: 'the node says so in the status of the pod',
    },
    'ended for its files, and well': {
      of: pod({ state: done }, { phase: 'Succeeded' }),
      eviction: SAID,
      want: [FILES],
      reason: 'a program that ends with code 0 at SIGTERM hides it; an Event of the node shows it',
    },
    'ended for the node’s own need': {
      of: pod(
        { state: done },
        { ...evicted, message: 'The node was low on resource: ephemeral-storage. Threshold quantity: 1Gi.' },
      ),
      want: [],
      reason: 'it is not the doing of this instance',
    },
  };
  for (const [name, { of, eviction, want, reason }] of Object.entries(cases)) {
    it(`${name}: ${reason}`, () => assert.deepEqual(memoryKills(of, eviction), want));
  }

  it('look at containers that others wait for too', () => {
    const [status] = pod({ name: 'first', state: oom }).status?.containerStatuses ?? [];
    const of = pod({ state: running }, { initContainerStatuses: status ? [status] : [] });
    assert.deepEqual(
      memoryKills(of).map(({ container }) => container),
      ['first'],
    );
  });
});

describe('isSpent', () => {
  const backOff = { waiting: { reason: 'CrashLoopBackOff' } };
  const later = (seconds: number) => EPOCH + seconds * 1000;
  const cases: Record<string, { of: Pod; afterSeconds: number; want: boolean; reason: string }> = {
    'waits for another try': {
      of: pod({ state: backOff, lastState: oom }),
      afterSeconds: 60,
      want: true,
      reason: 'a new instance is there long before the kubelet tries again',
    },
    young: {
      of: pod({ state: backOff, lastState: oom }),
      afterSeconds: 59,
      want: false,
      reason: 'it would end like this one, and so on',
    },
    'will have to wait': {
      of: pod({ state: oom, lastState: oom, restartCount: 1 }),
      afterSeconds: 60,
      want: true,
      reason: 'the kubelet says so only seconds later',
    },
    'stopped for the first time': {
      of: pod({ state: oom }),
      afterSeconds: 600,
      want: false,
      reason: 'the kubelet starts it again at once',
    },
    'stopped after a long life': {
      of: pod({
        state: { terminated: { ...oom.terminated, finishedAt: '2026-01-01T00:11:00Z' } },
        restartCount: 3,
      }),
      afterSeconds: 900,
      want: false,
      reason: 'the kubelet starts it again at once after ten minutes',
    },
    'started again': {
      of: pod({ state: running, lastState: oom }),
      afterSeconds: 600,
      want: false,
      reason: 'it works',
    },
    'crashed otherwise': {
      of: pod({ state: backOff, lastState: done }),
      afterSeconds: 600,
      want: false,
      reason: 'a program that ends by itself is the kubelet’s matter',
    },
  };
  for (const [name, { of, afterSeconds, want, reason }] of Object.entries(cases)) {
    it(`${name}: ${reason}`, () => assert.equal(isSpent(of, later(afterSeconds)), want));
  }
});

describe('memoryMessage', () => {
  const containers = [
    { name: 'user-container', resources: { limits: { memory: '512Mi' } } },
    { name: 'proxy', resources: { limits: { memory: '1G' } } },
  ] as unknown as Container[];

  it('names the limit of the container that was stopped, and what to do', () => {
    assert.equal(
      memoryMessage(MEMORY, containers),
      "Memory limit of 512 MiB exceeded: container 'user-container' was stopped. Raise its resources.limits.memory, or reduce its memory use.",
    );
  });

  it('names the limit of all containers together for files, and repeats the node', () => {
    const message = memoryMessage(FILES, containers);
    assert.match(message, /^Memory limit of 1465 MiB exceeded by files: .*total limit of containers 128Mi/);
  });
});

describe('memoryConditions', () => {
  const containers = [
    { name: 'user-container', resources: { limits: { memory: '64Mi' } } },
  ] as unknown as Container[];
  it('are none while there is nothing to report', () => {
    assert.deepEqual(memoryConditions([], containers), []);
  });

  it('report the last kill, whatever the order, and leave Ready alone', () => {
    const earlier = { ...FILES, at: FILES.at - 1000 };
    const [condition] = memoryConditions([earlier, MEMORY], containers);
    assert.deepEqual(memoryConditions([MEMORY, earlier], containers), [condition]);
    assert.equal(condition?.severity, 'Warning');
    assert.equal(condition?.status, 'False');
    assert.match(condition?.message ?? '', /^Memory limit of 64 MiB exceeded: container/);
  });
});
