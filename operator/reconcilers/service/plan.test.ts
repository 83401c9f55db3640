import assert from 'node:assert/strict';
import { conditionOf } from '../../apis/condition.ts';
import { contentHash } from '../../kube/json.ts';
import { APPLIED_HASH, type KubeObject } from '../../kube/types.ts';
import { assertGolden } from '../../testing/golden.ts';
import { route as bareRoute, EPOCH, service } from '../../testing/serving.ts';
import { desiredConfiguration, desiredRoute, planService, type ServiceInput } from './plan.ts';

/** The child's metadata as the executor leaves it: marked with what was wanted. */
function applied(desired: KubeObject): KubeObject['metadata'] {
  const annotations = { ...desired.metadata.annotations, [APPLIED_HASH]: contentHash(desired) };
  return { ...desired.metadata, generation: 1, annotations };
}

type Ready = { status: string; reason?: string; message?: string };

function configuration(of = service(), ready?: Ready, status: object = {}): ServiceInput['configuration'] {
  const desired = desiredConfiguration(of);
  return {
    ...desired,
    metadata: applied(desired),
    status: { observedGeneration: 1, conditions: ready ? [{ type: 'Ready', ...ready }] : [], ...status },
  } as ServiceInput['configuration'];
}

function route(of = service(), ready?: Ready, traffic?: object[]): ServiceInput['route'] {
  const desired = desiredRoute(of);
  return {
    ...desired,
    metadata: applied(desired),
    status: { observedGeneration: 1, conditions: ready ? [{ type: 'Ready', ...ready }] : [], traffic },
  } as ServiceInput['route'];
}

interface Case {
  reason: string;
  input: ServiceInput;
  want: Record<string, Partial<Ready>>;
  writes: number;
}

const latest = { latestCreatedRevisionName: 'hello-00001-abc', latestReadyRevisionName: 'hello-00001-abc' };
const served = [{ revisionName: 'hello-00001-abc', latestRevision: true, percent: 100 }];
const earlier = { ...service(), metadata: { ...service().metadata, uid: 'earlier' } };
const pinned = service();
pinned.spec.traffic = [
  { latestRevision: true, percent: 90 },
  { revisionName: 'hello-none', percent: 10 },
];
const broken = service();
broken.spec.traffic = [{ revisionName: 'hello-00001-abc', percent: 90 }];

const CASES: Record<string, Case> = {
  'just applied': {
    reason: 'both children are made, and nothing is claimed of them yet',
    input: { service: service() },
    want: {
      ConfigurationsReady: { status: 'Unknown', reason: 'OutOfDate' },
      RoutesReady: { status: 'Unknown', reason: 'OutOfDate' },
      Ready: { status: 'Unknown' },
    },
    writes: 2,
  },
  'both ready': {
    reason: 'the service is ready when both children are',
    input: {
      service: service(),
      configuration: configuration(service(), { status: 'True' }, latest),
      route: route(service(), { status: 'True' }, served),
    },
    want: {
      ConfigurationsReady: { status: 'True' },
      RoutesReady: { status: 'True' },
      Ready: { status: 'True' },
    },
    writes: 2,
  },
  'a revision fails': {
    reason: 'the message of the one who knows reaches the person who applied',
    input: {
      service: service(),
      configuration: configuration(service(), {
        status: 'False',
        reason: 'RevisionFailed',
        message: 'it exited',
      }),
      route: route(service(), { status: 'Unknown' }),
    },
    want: { Ready: { status: 'False', reason: 'RevisionFailed', message: 'it exited' } },
    writes: 2,
  },
  'the template changed after its first revision failed': {
    reason: 'the route still says of the one before that it cannot serve; the next one has not failed',
    input: {
      service: service('hello', { spec: { timeoutSeconds: 7 } }),
      configuration: configuration(service(), { status: 'False', reason: 'RevisionFailed' }),
      route: route(service(), { status: 'False', reason: 'RevisionMissing', message: 'it exited' }),
    },
    want: { RoutesReady: { status: 'Unknown', reason: 'OutOfDate' }, Ready: { status: 'Unknown' } },
    writes: 2,
  },
  'the first revision that is ready follows one that failed': {
    reason: 'the route has not heard of it yet',
    input: {
      service: service(),
      configuration: configuration(service(), { status: 'True' }, latest),
      route: route(service(), { status: 'False', reason: 'RevisionMissing', message: 'it exited' }),
    },
    want: { RoutesReady: { status: 'Unknown', reason: 'OutOfDate' }, Ready: { status: 'Unknown' } },
    writes: 2,
  },
  'a first revision failed': {
    reason: 'the route fails with it',
    input: {
      service: service(),
      configuration: configuration(service(), { status: 'False', reason: 'RevisionFailed' }),
      route: route(service(), { status: 'False', reason: 'RevisionMissing', message: 'it exited' }),
    },
    want: { RoutesReady: { status: 'False', reason: 'RevisionMissing' }, Ready: { status: 'False' } },
    writes: 2,
  },
  'a named revision is not there': {
    reason: 'that is no matter of the configuration',
    input: {
      service: pinned,
      configuration: configuration(pinned, { status: 'True' }, latest),
      route: route(pinned, { status: 'False', reason: 'RevisionMissing' }),
    },
    want: { RoutesReady: { status: 'False', reason: 'RevisionMissing' }, Ready: { status: 'False' } },
    writes: 2,
  },
  'the template changed': {
    reason: 'a configuration that still holds the old template says nothing of the new one',
    input: {
      service: service('hello', { spec: { timeoutSeconds: 7 } }),
      configuration: configuration(service(), { status: 'True' }, latest),
      route: route(service(), { status: 'True' }, served),
    },
    want: { ConfigurationsReady: { status: 'Unknown', reason: 'OutOfDate' }, Ready: { status: 'Unknown' } },
    writes: 2,
  },
  'traffic still on the old revision': {
    reason: 'ready means that the latest revision is the one that answers',
    input: {
      service: service(),
      configuration: configuration(
        service(),
        { status: 'True' },
        { ...latest, latestReadyRevisionName: 'hello-00002-abc' },
      ),
      route: route(service(), { status: 'True' }, served),
    },
    want: { RoutesReady: { status: 'Unknown', reason: 'TrafficNotMigrated' } },
    writes: 2,
  },
  'shares do not sum to 100': {
    reason: 'a service that breaks the contract changes nothing that runs',
    input: { service: broken },
    want: { Ready: { status: 'False', reason: 'InvalidArgument' } },
    writes: 0,
  },
  'children of an earlier service of the name': {
    reason: 'they go without anybody doing something, and nothing is claimed of them',
    input: {
      service: service(),
      configuration: configuration(earlier, { status: 'True' }, latest),
      route: route(earlier, { status: 'True' }, served),
    },
    want: { Ready: { status: 'Unknown', reason: 'OutOfDate' } },
    writes: 2,
  },
  'a route of that name belongs to another owner': {
    reason: 'what a person made by hand is not taken over',
    input: { service: service(), route: bareRoute() },
    want: { Ready: { status: 'False', reason: 'NotOwned' } },
    writes: 0,
  },
};

describe('planService', () => {
  for (const [name, { reason, input, want, writes }] of Object.entries(CASES)) {
    it(`${name}: ${reason}`, () => {
      const plan = planService(input, EPOCH);
      assert.equal(plan.apply.length, writes);
      assert.equal(plan.status?.status?.observedGeneration, 1);
      for (const [type, condition] of Object.entries(want)) {
        const actual = conditionOf(plan.status?.status?.conditions, type);
        assert.deepEqual({ ...actual, ...condition }, actual);
      }
    });
  }

  it('says what Cloud Run would refuse, and runs it all the same', () => {
    const long = service('a'.repeat(50));
    const plan = planService({ service: long }, EPOCH);
    const warning = conditionOf(plan.status?.status?.conditions, 'CloudRunIncompatible');
    assert.equal(plan.apply.length, 2);
    assert.equal(warning?.severity, 'Warning');
    assert.match(
      warning?.message ?? '',
      /^Cloud Run would reject this: metadata\.name: .* 1 to 49 characters$/,
    );
  });

  it('gives its children what golden/children.golden.yaml says', () => {
    const annotated = service('hello', {
      metadata: { name: 'hello-v2', labels: { 'client.knative.dev/nonce': 'x' } },
    });
    annotated.metadata.labels = { team: 'blue' };
    annotated.metadata.annotations = {
      'run.googleapis.com/ingress': 'all',
      'run.googleapis.com/operation-id': 'o',
      'kubectl.kubernetes.io/last-applied-configuration': '{}',
    };
    annotated.spec.traffic = [
      { latestRevision: true, percent: 90 },
      { revisionName: 'hello-v1', percent: 10, tag: 'old' },
    ];
    assertGolden(
      new URL('./golden/children.golden.yaml', import.meta.url),
      desiredConfiguration(annotated),
      desiredRoute(annotated),
    );
  });

  it('planned twice from its own outcome changes no status', () => {
    const first = planService({ service: service() }, EPOCH);
    const again = planService({ service: first.status ?? service() }, EPOCH + 60_000);
    assert.deepEqual(again.status?.status, first.status?.status);
  });
});
