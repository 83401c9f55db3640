import assert from 'node:assert/strict';
import { conditionOf } from '../../apis/condition.ts';
import { SERVING } from '../../apis/labels.ts';
import type { Revision } from '../../apis/serving/revision/types.ts';
import { parseConfig } from '../../config.ts';
import { DEPLOYMENTS, type Deployment } from '../../kube/core.ts';
import { isApplied } from '../../kube/plan.ts';
import { ImageNotFoundError, RegistryAnswerError } from '../../registry/errors.ts';
import type { DigestState } from '../../registry/resolver.ts';
import { deployment, EPOCH, PINNED, pod, revision } from '../../testing/serving.ts';
import { desiredDeployment } from './deployment.ts';
import type { RevisionInput } from './input.ts';
import { planRevision, rejectedRevision } from './plan.ts';

const config = parseConfig({});
const resolved: DigestState = { state: 'resolved', image: PINNED, digest: PINNED.slice(-71) };
const running = pod({ state: { running: {} } });

interface Case {
  reason: string;
  input: Partial<RevisionInput>;
  digest?: DigestState;
  /** Seconds since the revision was made; 5 when unset. */
  at?: number;
  /** Whether the Deployment is applied. */
  deploys?: boolean;
  want: Record<string, { status: string; reason?: string; message?: RegExp }>;
}
const at = (seconds: number) => new Date(EPOCH + seconds * 1000).toISOString();
const lacking = pod({
  state: { waiting: { reason: 'CreateContainerConfigError', message: 'secret "s" not found' } },
});

const proven = revision('hello-00001-abc');
proven.status = { conditions: [{ type: 'ContainerHealthy', status: 'True' }] };
const given_up = revision('hello-00001-abc');
given_up.status = {
  conditions: [
    { type: 'ContainerHealthy', status: 'False', reason: 'ExitCode3', message: 'It exited.' },
    { type: 'ResourcesAvailable', status: 'True' },
  ],
};

const CASES: Record<string, Case> = {
  'digest not known yet': {
    reason: 'nothing is started from a tag that may move',
    input: {},
    digest: { state: 'pending' },
    deploys: false,
    want: { Ready: { status: 'Unknown', reason: 'ResolvingDigests' } },
  },
  'image missing, asked for again': {
    reason: 'the last answer stands until there is another; a condition must not flap with each question',
    input: { revision: given_up },
    digest: { state: 'pending' },
    deploys: false,
    want: { Ready: { status: 'False', reason: 'ExitCode3', message: /^It exited\.$/ } },
  },
  'image not there yet': {
    reason: 'it may be pushed a moment later',
    input: {},
    digest: { state: 'failed', error: new ImageNotFoundError('no such tag.'), retryAt: EPOCH + 5000 },
    deploys: false,
    want: { Ready: { status: 'Unknown', reason: 'ContainerMissing', message: /no such tag/ } },
  },
  'the registry is busy': {
    reason: 'its 429 passes, and is reported meanwhile',
    input: {},
    digest: { state: 'failed', error: new RegistryAnswerError('answered 429.'), retryAt: EPOCH + 300_000 },
    at: 239,
    deploys: false,
    want: { Ready: { status: 'Unknown', reason: 'ContainerMissing', message: /answered 429/ } },
  },
  'the registry is busy all the time': {
    reason: 'clients that wait learn of it in the end; the registry is asked on',
    input: {},
    digest: { state: 'failed', error: new RegistryAnswerError('answered 429.'), retryAt: EPOCH + 300_000 },
    at: 240,
    deploys: false,
    want: { Ready: { status: 'False', reason: 'ContainerMissing', message: /answered 429/ } },
  },
  'image missing': {
    reason: 'what the registry says is reported, and asked again later',
    input: {},
    at: 10,
    digest: { state: 'failed', error: new ImageNotFoundError('no such tag.'), retryAt: EPOCH + 15_000 },
    deploys: false,
    want: {
      ContainerHealthy: {
        status: 'False',
        reason: 'ContainerMissing',
        message:
          /^Container 'user-container': no such tag\. While it is wanted, it is tried again by itself\.$/,
      },
      Ready: { status: 'False', reason: 'ContainerMissing' },
      Active: { status: 'False', reason: 'ContainerMissing', message: /none could start/ },
    },
  },
  starting: {
    reason: 'a Deployment without pods yet is no failure',
    input: {},
    want: { Ready: { status: 'Unknown', reason: 'Deploying' } },
  },
  'instance probed': {
    reason: 'the first instance that passes its startup probe makes the revision ready',
    input: { pods: [running], passed: new Set(['pod-x']) },
    want: {
      ContainerHealthy: { status: 'True' },
      ResourcesAvailable: { status: 'True' },
      Ready: { status: 'True' },
    },
  },
  'one instance of its minimum probed': {
    reason: 'the other one is awaited',
    input: { pods: [running], passed: new Set(['pod-x']), initialInstances: 2 },
    want: { Ready: { status: 'Unknown', reason: 'Deploying' } },
  },
  'one instance of its minimum, after it was ready': {
    reason: 'it keeps its traffic, however many instances are left',
    input: { revision: proven, pods: [running], passed: new Set(['pod-x']), initialInstances: 2 },
    want: { Ready: { status: 'True' } },
  },
  'scaled to zero': {
    reason: 'a revision that was ready stays ready without instances, and says so for information only',
    input: { revision: proven, deployment: deployment('hello-00001-abc', 0) },
    want: { Ready: { status: 'True' }, Active: { status: 'False', reason: 'NoTraffic' } },
  },
  'made at zero': {
    reason: 'with an initial scale of 0 the first request is what starts an instance',
    input: { startsAtZero: true },
    deploys: false,
    want: { Ready: { status: 'True' }, Active: { status: 'False', reason: 'NoTraffic' } },
  },
  'made at zero, digest not known yet': {
    reason: 'an image that cannot be pulled is reported before traffic goes there',
    input: { startsAtZero: true },
    digest: { state: 'pending' },
    deploys: false,
    want: { Ready: { status: 'Unknown', reason: 'ResolvingDigests' } },
  },
  'made at zero, with instances before it was ready': {
    reason: 'someone has started one: what it does is what counts',
    input: { startsAtZero: true, deployment: deployment('hello-00001-abc', 1), pods: [running] },
    want: { Ready: { status: 'Unknown', reason: 'Deploying' } },
  },
  'crashing after it was ready': {
    reason: 'a later crash is the instance’s matter; taking the traffic away would only make it worse',
    input: {
      revision: proven,
      deployment: deployment('hello-00001-abc', 1),
      pods: [
        pod({
          restartCount: 5,
          state: { waiting: { reason: 'CrashLoopBackOff' } },
          lastState: { terminated: { exitCode: 143, startedAt: at(0), finishedAt: at(3600) } },
        }),
      ],
    },
    want: {
      Ready: { status: 'True' },
      Active: {
        status: 'False',
        reason: 'ExitCode143',
        message:
          /^There are no instances: Container 'user-container' exited with code 143, [^,]*SIGTERM[^,]*\.$/,
      },
    },
  },
  'lacking a secret after it was ready': {
    reason:
      'its requests cannot be answered: it says why, stays ready, and no other revision gets its traffic',
    input: { revision: proven, deployment: deployment('hello-00001-abc', 1), pods: [lacking] },
    want: {
      Ready: { status: 'True' },
      Active: {
        status: 'False',
        reason: 'CreateContainerConfigError',
        message: /^There are no instances: .*secret "s" not found.*kubectl create secret generic s /,
      },
    },
  },
  'lacking a secret, with an instance that runs': {
    reason: 'there are instances; one more would be better',
    input: {
      revision: proven,
      deployment: deployment('hello-00001-abc', 2, { readyReplicas: 1 }),
      pods: [lacking],
    },
    want: { Active: { status: 'True' } },
  },
  'pods rejected after it was ready': {
    reason: 'clients whose requests wait in vain learn why there is no instance to answer them',
    input: {
      revision: proven,
      deployment: deployment('hello-00001-abc', 1, {
        conditions: [
          { type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: 'exceeded quota' },
        ],
      }),
    },
    want: {
      Ready: { status: 'True' },
      Active: { status: 'False', reason: 'FailedCreate', message: /exceeded quota/ },
    },
  },
  'without room after it was ready': {
    reason:
      'a node may be on its way: requests wait for it as for any start, and are rejected for want of room',
    input: {
      revision: proven,
      deployment: deployment('hello-00001-abc', 1),
      pods: [
        pod(undefined, {
          containerStatuses: [],
          conditions: [
            {
              type: 'PodScheduled',
              status: 'False',
              reason: 'Unschedulable',
              message: '0/3 nodes are available.',
            },
          ],
        }),
      ],
    },
    want: {
      Ready: { status: 'True' },
      Active: { status: 'Unknown', reason: 'Unschedulable', message: /0\/3 nodes are available/ },
    },
  },
  'woken after it was ready': {
    reason: 'an instance that only takes its time is no failure',
    input: {
      revision: proven,
      deployment: deployment('hello-00001-abc', 1),
      pods: [pod({ state: { waiting: { reason: 'ContainerCreating' } } })],
    },
    want: { Active: { status: 'Unknown', reason: 'Deploying' } },
  },
  'given up and scaled to zero': {
    reason: 'what made it fail is still reported when its instances are gone',
    input: { revision: given_up, deployment: deployment('hello-00001-abc', 0) },
    want: {
      Ready: { status: 'False', reason: 'ExitCode3', message: /^It exited\.$/ },
      Active: { status: 'False', reason: 'ExitCode3' },
    },
  },
  'the cluster makes no pods': {
    reason: 'a quota or policy that rejects pods is quoted',
    input: {
      deployment: deployment('hello-00001-abc', 1, {
        conditions: [
          { type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: 'exceeded quota' },
        ],
      }),
    },
    want: { ResourcesAvailable: { status: 'False', reason: 'FailedCreate', message: /exceeded quota/ } },
  },
  'its service identity is missing': {
    reason: 'the message names which one, where, and how to make it',
    input: {
      revision: revision('hello-00001-abc', { spec: { serviceAccountName: 'db@x.iam.gserviceaccount.com' } }),
      deployment: deployment('hello-00001-abc', 1, {
        conditions: [
          {
            type: 'ReplicaFailure',
            status: 'True',
            reason: 'FailedCreate',
            message: 'error looking up service account demo/db: serviceaccount "db" not found',
          },
        ],
      }),
    },
    want: {
      Ready: {
        status: 'False',
        reason: 'ServiceAccountMissing',
        message:
          /"db@x\.iam\.gserviceaccount\.com".* not exist in namespace 'demo'.*create serviceaccount db/,
      },
    },
  },
};

describe('planRevision', () => {
  for (const [name, { reason, input, digest = resolved, at = 5, deploys = true, want }] of Object.entries(
    CASES,
  )) {
    it(`${name}: ${reason}`, () => {
      const full = {
        revision: revision(),
        pods: [],
        passed: new Set<string>(),
        routed: false,
        digests: new Map([['user-container', digest]]),
      };
      const plan = planRevision({ ...full, ...input }, config, EPOCH + at * 1000);
      assert.equal(plan.apply.length, deploys ? 1 : 0);
      for (const [type, condition] of Object.entries(want)) {
        const actual = conditionOf(plan.status?.status?.conditions, type);
        assert.equal(actual?.status, condition.status, type);
        if (condition.reason) assert.equal(actual?.reason, condition.reason);
        if (condition.message) assert.match(actual?.message ?? '', condition.message);
      }
    });
  }

  it('makes a Deployment without instances once, and leaves the number to those who scale', () => {
    const digests = new Map([['user-container', resolved]]);
    const input = { revision: revision(), pods: [], passed: new Set<string>(), digests, routed: false };
    const first = planRevision({ ...input, startsAtZero: true }, config, EPOCH);
    const [made] = (first.create ?? []) as Deployment[];
    assert.equal(made?.spec?.replicas, 0);
    const later = planRevision({ ...input, startsAtZero: true, deployment: made }, config, EPOCH);
    assert.deepEqual(later.create ?? [], []);
    const [kept] = later.apply as Deployment[];
    assert.equal(kept?.spec?.replicas, undefined);
    assert.ok(kept && isApplied(kept, made), 'and nothing is written again');
  });

  it('lets the numbers of instances wait when nothing else has changed, and only those', () => {
    const digests = new Map([['user-container', resolved]]);
    const input = { pods: [], passed: new Set<string>(), digests, routed: false };
    const planned = (before: Revision, readyReplicas: number) =>
      planRevision(
        { ...input, revision: before, deployment: deployment('hello-00001-abc', 3, { readyReplicas }) },
        config,
        EPOCH,
      );
    const proven = revision('hello-00001-abc', { ready: 'True' });
    const conditions = proven.status?.conditions?.concat({ type: 'ContainerHealthy', status: 'True' });
    const first = planned({ ...proven, status: { conditions } } as Revision, 1);
    assert.equal(first.statusWaitMs, undefined);
    const now = first.status as Revision;
    assert.equal(planned(now, 2).statusWaitMs, 5_000);
    assert.equal(planned(now, 0).statusWaitMs, undefined, 'it is not active any more');
  });

  it('explains the number of instances at once, keeps what is explained until there is news, and drops it at zero', () => {
    const digests = new Map([['user-container', resolved]]);
    const input = { pods: [], passed: new Set<string>(), digests, routed: false };
    const planned = (before: Revision, replicas: number, scaling?: string) =>
      planRevision(
        { ...input, revision: before, deployment: deployment('hello-00001-abc', replicas), scaling },
        config,
        EPOCH,
      );
    const first = planned(proven, 3).status as Revision;
    assert.equal(first.status?.scaling, undefined);
    const explained = planned(first, 3, '3 instances by minimum');
    assert.equal(explained.statusWaitMs, undefined);
    const now = explained.status as Revision;
    assert.equal(now.status?.scaling, '3 instances by minimum');
    assert.deepEqual(
      (planned(now, 3).status as Revision).status,
      now.status,
      'another controller has just started',
    );
    assert.equal((planned(now, 0, '0 instances by idle time').status as Revision).status?.scaling, undefined);
  });

  it('has Kubernetes try again once a service account that was missing is there', () => {
    const message = 'error looking up service account demo/db: serviceaccount "db" not found';
    const conditions = [{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message }];
    const rejected = deployment('hello-00001-abc', 1, { conditions });
    const digests = new Map([['user-container', resolved]]);
    const input = { revision: revision(), pods: [], passed: new Set<string>(), digests, routed: false };
    const planned = (accountMade: boolean) =>
      planRevision({ ...input, deployment: rejected, accountMade }, config, EPOCH);
    assert.deepEqual(planned(false).change, []);
    assert.equal(planned(false).requeueAfterMs, 5000);
    assert.deepEqual(planned(true).change, [
      {
        type: DEPLOYMENTS,
        object: rejected,
        patch: { metadata: { annotations: { 'homerun.dev/asked-again': '2026-01-01T00:00:00Z' } } },
      },
    ]);
  });

  it('has Kubernetes try again to make pods that a quota rejected, ever more seldom', () => {
    const rejected = (asked?: string) => {
      const lastTransitionTime = '2026-01-01T00:00:00Z';
      const failure = {
        type: 'ReplicaFailure',
        status: 'True',
        message: 'exceeded quota',
        lastTransitionTime,
      };
      const made = deployment('hello-00001-abc', 1, { conditions: [failure] });
      const annotations: Record<string, string> = asked ? { 'homerun.dev/asked-again': asked } : {};
      return { ...made, metadata: { ...made.metadata, annotations } };
    };
    const digests = new Map([['user-container', resolved]]);
    const input = { revision: revision(), pods: [], passed: new Set<string>(), digests, routed: false };
    const planned = (asked: string | undefined, seconds: number, isFull = false) => {
      const now = EPOCH + seconds * 1000;
      const quotaFullAt = isFull ? now : undefined;
      const { change = [], requeueAfterMs } = planRevision(
        { ...input, deployment: rejected(asked), quotaFullAt },
        config,
        now,
      );
      return { asks: change.length, requeueAfterMs };
    };
    assert.deepEqual(planned(undefined, 10), { asks: 0, requeueAfterMs: 20_000 });
    assert.equal(planned(undefined, 30).asks, 1);
    assert.deepEqual(planned('2026-01-01T00:02:00Z', 180), { asks: 0, requeueAfterMs: 60_000 });
    assert.equal(planned('2026-01-01T00:02:00Z', 240).asks, 1);
    assert.equal(planned('2026-01-01T01:00:00Z', 3900).asks, 1, 'every five minutes in the end');
    assert.deepEqual(
      planned(undefined, 90, true),
      { asks: 0, requeueAfterMs: 90_000 },
      'it would be in vain',
    );
    assert.deepEqual(planned(undefined, 3900, true), { asks: 0, requeueAfterMs: 300_000 });
    const idle = { ...rejected(), spec: { replicas: 0 } } as Deployment;
    assert.deepEqual(planRevision({ ...input, deployment: idle }, config, EPOCH + 60_000).change, []);
  });

  describe('a revision that failed and has no instances', () => {
    const conditionsOf = (reason: string, healthy = 'False', seconds = 240) => {
      const lastTransitionTime = new Date(EPOCH + seconds * 1000).toISOString();
      const why = { reason, message: 'secret "x" not found' };
      return [
        { type: 'ContainerHealthy', status: healthy, lastTransitionTime, ...why },
        { type: 'Ready', status: 'False', lastTransitionTime, ...why },
        { type: 'ResourcesAvailable', status: 'True' },
      ];
    };
    const planned = (conditions: object[], seconds: number, changes: Partial<RevisionInput> = {}) => {
      const failed = revision();
      failed.status = { conditions, imageDigest: PINNED } as Revision['status'];
      const digests = new Map([['user-container', resolved]]);
      const input = { revision: failed, pods: [], passed: new Set<string>(), digests, routed: false };
      const now = EPOCH + seconds * 1000;
      const plan = planRevision({ ...input, wanted: true, ...changes }, config, now);
      const states = ['Ready', 'ContainerHealthy'].map((type) => {
        const { status, reason } = conditionOf(plan.status?.status?.conditions, type) ?? {};
        return `${status} ${reason}`;
      });
      return { states, requeueAfterMs: plan.requeueAfterMs, events: plan.events.length };
    };
    const failed = (reason: string) => [`False ${reason}`, `False ${reason}`];

    it('is tried again by itself where its reason may have gone', () => {
      const before = planned(conditionsOf('CreateContainerConfigError'), 300);
      assert.deepEqual(before, {
        states: failed('CreateContainerConfigError'),
        requeueAfterMs: 60_000,
        events: 0,
      });
      assert.deepEqual(planned(conditionsOf('CreateContainerConfigError'), 360), {
        states: ['False CreateContainerConfigError', 'Unknown Deploying'],
        requeueAfterMs: undefined,
        events: 0,
      });
    });

    it('is tried the more seldom the longer it has failed, and every quarter of an hour at least', () => {
      const hour = conditionsOf('ContainerMissing', 'False', 3600);
      assert.equal(planned(hour, 3600).requeueAfterMs, 900_000);
      assert.equal(planned(conditionsOf('ContainerMissing', 'False', 600), 600).requeueAfterMs, 300_000);
      assert.equal(planned(conditionsOf('ContainerMissing', 'False', 10), 10).requeueAfterMs, 60_000);
    });

    it('keeps its failure until it starts, so that nothing is new for clients that wait', () => {
      const again = conditionsOf('FailedMount', 'Unknown');
      assert.deepEqual(planned(again, 400).states, ['False FailedMount', 'Unknown Deploying']);
      const waiting = { reason: 'FailedMount', message: 'secret "x" not found' };
      const recent = { startTime: new Date(EPOCH + 390_000).toISOString() };
      const pods = [pod({ state: { waiting } }, recent)];
      assert.deepEqual(planned(again, 400, { pods }).states, ['False FailedMount', 'Unknown FailedMount']);
      assert.deepEqual(planned(again, 400, { pods: [pod({ state: { running: {} }, ready: true })] }), {
        states: ['True undefined', 'True undefined'],
        requeueAfterMs: undefined,
        events: 1,
      });
    });

    it('stays as it is where its program failed, and where it is not wanted', () => {
      const crashed = { states: failed('ExitCode1'), requeueAfterMs: undefined, events: 0 };
      assert.deepEqual(planned(conditionsOf('ExitCode1'), 100_000), crashed);
      const unwanted = planned(conditionsOf('FailedMount'), 100_000, { wanted: false });
      assert.deepEqual(unwanted, { ...crashed, states: failed('FailedMount') });
    });
  });

  it('keeps the digest in the status, where it outlives tag and registry', () => {
    const plan = planRevision(
      {
        revision: revision(),
        pods: [],
        passed: new Set(),
        digests: new Map([['user-container', resolved]]),
        routed: false,
      },
      config,
      EPOCH,
    );
    assert.equal(plan.status?.status?.imageDigest, PINNED);
    assert.deepEqual(plan.status?.status?.containerStatuses, [
      { name: 'user-container', imageDigest: PINNED },
    ]);
  });

  it('has no digest of its image where it runs a source: gcloud would make it the image of the next revision', () => {
    const annotations = {
      'run.googleapis.com/sources': '{"":"gs://run-sources-demo-local-cluster1/a#1"}',
      'run.googleapis.com/base-images': '{"":"nodejs24"}',
    };
    const containers = [{ name: 'user-container', image: 'scratch' }];
    const made = revision('hello-00001-abc', { metadata: { annotations }, spec: { containers } });
    const digests = new Map([['user-container', resolved]]);
    const input = { revision: made, pods: [], passed: new Set<string>(), digests, routed: false };
    const { status } = planRevision(input, config, EPOCH).status ?? {};
    assert.equal(status?.imageDigest, undefined);
    assert.deepEqual(status?.containerStatuses, [{ name: 'user-container', imageDigest: PINNED }]);
  });

  it('reports memory beside Ready, which it leaves alone', () => {
    const kills = [{ id: 'x', what: 'memory', container: 'user-container', at: EPOCH }] as const;
    const digests = new Map([['user-container', resolved]]);
    const input = { revision: proven, pods: [running], passed: new Set<string>(), digests, routed: true };
    const { status } = planRevision({ ...input, kills }, config, EPOCH + 5000);
    const conditions = status?.status?.conditions;
    assert.equal(conditionOf(conditions, 'Ready')?.status, 'True');
    assert.equal(conditionOf(conditions, 'MemorySufficient')?.reason, 'OutOfMemory');
    const none = planRevision(input, config, EPOCH + 5000).status?.status?.conditions;
    assert.equal(conditionOf(none, 'MemorySufficient'), undefined);
  });

  it('removes pods that have ended, but the newest', () => {
    const ended = (name: string, second: number, phase: 'Failed' | 'Succeeded' | 'Running') => {
      const made = pod({}, { phase });
      const creationTimestamp = new Date(EPOCH + second * 1000).toISOString();
      return { ...made, metadata: { ...made.metadata, name, uid: name, creationTimestamp } };
    };
    const pods = [ended('b', 2, 'Failed'), ended('c', 3, 'Succeeded'), ended('a', 1, 'Failed')];
    const digests = new Map([['user-container', resolved]]);
    const input = { revision: proven, passed: new Set<string>(), digests, routed: true };
    const plan = planRevision({ ...input, pods: [...pods, ended('d', 0, 'Running')] }, config, EPOCH + 5000);
    assert.deepEqual(
      plan.remove.map(({ uid }) => uid),
      ['b', 'a'],
    );
  });

  it('replaces an instance whose memory keeps it from starting, unless the revision never worked', () => {
    const waiting = { waiting: { reason: 'CrashLoopBackOff' } };
    const stuck = pod({ state: waiting, lastState: { terminated: { exitCode: 137, reason: 'OOMKilled' } } });
    const digests = new Map([['user-container', resolved]]);
    const removed = (subject: RevisionInput['revision']) => {
      const input = { revision: subject, pods: [stuck], passed: new Set<string>(), digests, routed: true };
      return planRevision(input, config, EPOCH + 60_000).remove.map(({ uid }) => uid);
    };
    assert.deepEqual(removed(proven), ['pod-x']);
    assert.deepEqual(removed(revision()), []);
  });

  describe('an instance that a node does not come to start', () => {
    const { limitSeconds } = config.startup;
    const created = pod(
      { state: { waiting: { reason: 'ContainerCreating' } } },
      {
        phase: 'Pending',
        conditions: [
          { type: 'PodScheduled', status: 'True' },
          { type: 'PodReadyToStartContainers', status: 'False' },
        ],
      },
    );
    const preparing = { ...created, metadata: { ...created.metadata, uid: 'preparing' } };
    const digests = new Map([['user-container', resolved]]);
    const base = {
      revision: proven,
      pods: [running, preparing],
      passed: new Set<string>(),
      digests,
      routed: true,
      mount: { uid: 'preparing' },
    };
    const planned = (afterSeconds: number, others: Partial<RevisionInput> = {}) =>
      planRevision({ ...base, ...others }, config, EPOCH + afterSeconds * 1000);
    const removed = (...args: Parameters<typeof planned>) => planned(...args).remove.map(({ uid }) => uid);

    it('is replaced after the time that it has to start', () => {
      assert.deepEqual(removed(limitSeconds), ['preparing']);
    });

    it('is looked at then, whether others run or not', () => {
      assert.deepEqual(removed(limitSeconds - 1), []);
      assert.equal(planned(limitSeconds - 1).requeueAfterMs, 1000);
    });

    it('stays where its volumes cannot be mounted: another one could mount them no better', () => {
      const mount = { uid: 'preparing', failure: 'secret "cert" not found' };
      assert.deepEqual(removed(limitSeconds, { mount }), []);
      assert.equal(planned(limitSeconds, { mount }).requeueAfterMs, undefined);
    });

    it('stays until it is known whether its volumes can be mounted', () => {
      assert.deepEqual(removed(limitSeconds, { mount: undefined }), []);
      assert.equal(planned(limitSeconds, { mount: undefined }).requeueAfterMs, 5000);
    });

    it('stays while an earlier one does not go: more of them would only pile up', () => {
      const leaving = (deletionTimestamp: string) => {
        const pods = [
          running,
          preparing,
          { ...created, metadata: { ...created.metadata, deletionTimestamp } },
        ];
        return removed(limitSeconds, { pods });
      };
      assert.deepEqual(leaving(at(limitSeconds - 61)), []);
      assert.deepEqual(leaving(at(limitSeconds - 60)), ['preparing']);
    });

    it('stays where none has worked yet, as proof of that', () => {
      assert.deepEqual(removed(limitSeconds, { revision: revision() }), []);
    });
  });

  it('stays ready when the cluster rejects a change of its Deployment: its instances run', () => {
    const rejection = { reason: 'Refused', message: 'denied by policy' };
    const ready = revision();
    ready.status = { conditions: [{ type: 'Ready', status: 'True' }] };
    assert.equal(rejectedRevision({ subject: ready, planned: ready, rejection, now: EPOCH }), undefined);
    const fresh = rejectedRevision({ subject: revision(), planned: revision(), rejection, now: EPOCH });
    const { status } = fresh as RevisionInput['revision'];
    assert.equal(conditionOf(status?.conditions, 'Ready')?.message, 'denied by policy');
  });

  describe('routing state', () => {
    const labels = (routed: boolean, label?: string) => {
      const subject = revision();
      if (label) subject.metadata.labels = { ...subject.metadata.labels, [SERVING.routingState]: label };
      const digests = new Map([['user-container', resolved]]);
      const input = { revision: subject, pods: [], passed: new Set<string>(), digests, routed };
      return planRevision(input, config, EPOCH).labels;
    };

    it('is active while a route names the revision', () => {
      assert.deepEqual(labels(true), { [SERVING.routingState]: 'active' });
    });
    it('is reserve once no route does', () => {
      assert.deepEqual(labels(false, 'active'), { [SERVING.routingState]: 'reserve' });
      assert.deepEqual(labels(false, 'reserve'), { [SERVING.routingState]: 'reserve' });
    });
    it('is not set on a revision that no route has named yet', () => assert.deepEqual(labels(false), {}));
    it('does not touch the instances', () => {
      const labelled = revision();
      labelled.metadata.labels = { ...labelled.metadata.labels, [SERVING.routingState]: 'active' };
      assert.deepEqual(
        desiredDeployment(labelled, new Map(), config),
        desiredDeployment(revision(), new Map(), config),
      );
    });
  });
});
