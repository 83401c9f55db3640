import { deepEqual } from 'node:assert/strict';
import { parseConfig } from '../../config.ts';
import type { Pod } from '../../kube/core.ts';
import { EPOCH, pod } from '../../testing/serving.ts';
import { diagnose } from './chain.ts';
import type { Evidence } from './evidence.ts';
import { hasStarted } from './start.ts';

const exit = (exitCode: number, message?: string, reason = 'Error') => ({
  terminated: { exitCode, message, reason },
});
const instance = (
  state: object,
  lastState: object = {},
  main: object = { state: { waiting: { reason: 'PodInitializing' } } },
): Pod => {
  const status = {
    name: 'homerun-source',
    ready: false,
    restartCount: 0,
    image: 'homerun:1',
    imageID: '',
    state,
    lastState,
  };
  return pod(main, {
    phase: 'Pending',
    startTime: '2026-01-01T00:00:00Z',
    initContainerStatuses: [status],
  } as Pod['status'] & object);
};
const evidence = (of: Pod, afterMs = 1000): Evidence => ({
  runs: 'service',
  containers: [{ name: 'user-container', image: 'scratch' }],
  pods: [of],
  now: EPOCH + afterMs,
  createdAt: EPOCH,
  config: parseConfig({}),
});

const REFUSED = 'The archive\'s entry "../x" has a name with ".." in it.';
const AWAY = 'The Admin API cannot be asked.';
const cases: Record<string, { of: Pod; after?: number; want: object; reason: string }> = {
  'an archive that is refused': {
    of: instance(exit(65, `some log\n${REFUSED}\n`)),
    want: { reason: 'SourceRefused', message: REFUSED, final: false },
    reason: 'the first attempt may have met a change',
  },
  'an archive that is refused for good': {
    of: instance({ waiting: { reason: 'CrashLoopBackOff' } }, exit(65, REFUSED)),
    after: 10_000,
    want: { reason: 'SourceRefused', message: REFUSED, final: true },
    reason: 'another archive is needed',
  },
  'an Admin API that does not answer': {
    of: instance({ waiting: { reason: 'CrashLoopBackOff' } }, exit(75, AWAY)),
    after: 10_000,
    want: { reason: 'SourceUnavailable', message: AWAY, final: false },
    reason: 'it may come back',
  },
  'an Admin API that is away for long': {
    of: instance({ waiting: { reason: 'CrashLoopBackOff' } }, exit(75, AWAY)),
    after: 240_000,
    want: { reason: 'SourceUnavailable', message: AWAY, final: true },
    reason: 'startup.limitSeconds',
  },
  'no words at all': {
    of: instance(exit(137, '', 'OOMKilled')),
    want: {
      reason: 'SourceUnavailable',
      message: 'The source was not unpacked: it ran out of memory.',
      final: false,
    },
    reason: 'a person needs some',
  },
  "Homerun's image that cannot be pulled": {
    of: instance({ waiting: { reason: 'ErrImagePull', message: 'not found' } }),
    want: {
      reason: 'SourceUnavailable',
      message:
        "The source cannot be unpacked, because Homerun's own image 'homerun:1' does not start: not found",
      final: false,
    },
    reason: 'it is none of the template',
  },
  'a source that is being unpacked': {
    of: instance({ running: {} }),
    want: { reason: 'Deploying', message: 'Instances are starting.', final: false },
    reason: 'that takes a while',
  },
};

describe('why the source of an instance is not unpacked', () => {
  for (const [name, { of, after, want, reason }] of Object.entries(cases)) {
    it(`${name}: ${reason}`, () => {
      const { reason: found, message, final } = diagnose(evidence(of, after)) ?? {};
      deepEqual({ reason: found, message, final }, want);
    });
  }

  it('is nothing once it is: an instance has started when its program has', () => {
    const started = instance(exit(0, undefined, 'Completed'), {}, { state: { running: {} }, ready: true });
    deepEqual([diagnose(evidence(started)), hasStarted(evidence(started))], [undefined, true]);
  });
});
