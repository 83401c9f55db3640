import { deepEqual, equal, match, ok } from 'node:assert/strict';
import fc from 'fast-check';
import { conditionOf, isTrue } from '../../apis/condition.ts';
import { BASE_IMAGE_RUNTIME } from '../../apis/serving/instance/platform.ts';
import type { Revision } from '../../apis/serving/revision/types.ts';
import { parseConfig } from '../../config.ts';
import type { Deployment } from '../../kube/core.ts';
import { ImageInvalidError, RegistryUnreachableError } from '../../registry/errors.ts';
import type { DigestState } from '../../registry/resolver.ts';
import { assertGolden } from '../../testing/golden.ts';
import { deployment, EPOCH, PINNED, revision } from '../../testing/serving.ts';
import { baseImageStep, checkDueAt, isCheckDue } from './baseImage.ts';
import { desiredDeployment } from './deployment.ts';
import type { RevisionInput } from './input.ts';
import { planRevision } from './plan.ts';

const CHECKED = 'homerun.dev/base-image-checked';
const MOVED = `registry.example/app@sha256:${'b'.repeat(64)}`;
const PERIOD_S = 3600;
const config = parseConfig({ instance: { baseImages: { nodejs24: 'registry.example/app:1' } } });

const at = (seconds: number) => `${new Date(EPOCH + seconds * 1000).toISOString().slice(0, 19)}Z`;
const resolved = (image: string): DigestState => ({ state: 'resolved', image, digest: image.slice(-71) });

interface Stored {
  /** Seconds after EPOCH at which the registry was last asked. */
  checked?: number;
  runtimeClassName?: string;
  image?: string;
}

/** A revision that runs a source on nodejs24, and has been ready. */
function following({
  checked,
  runtimeClassName = BASE_IMAGE_RUNTIME,
  image = 'scratch',
}: Stored = {}): Revision {
  const annotations = {
    'run.googleapis.com/sources': '{"":"gs://run-sources-demo-local-cluster1/a#1"}',
    'run.googleapis.com/base-images': '{"":"nodejs24"}',
  };
  const containers = [{ name: 'user-container', image }];
  const made = revision('hello-00001-abc', {
    ready: 'True',
    metadata: { annotations },
    spec: { containers, ...(runtimeClassName ? { runtimeClassName } : {}) },
  });
  return {
    ...made,
    status: {
      conditions: [...(made.status?.conditions ?? []), { type: 'ContainerHealthy', status: 'True' }],
      containerStatuses: [{ name: 'user-container', imageDigest: PINNED }],
      ...(checked === undefined ? {} : { annotations: { [CHECKED]: at(checked) } }),
    },
  } as Revision;
}

function input(of: Revision, changes: Partial<RevisionInput> = {}): RevisionInput {
  const image = of.status?.containerStatuses?.[0]?.imageDigest ?? PINNED;
  const digests = new Map([['user-container', resolved(image)]]);
  return { revision: of, pods: [], passed: new Set(), digests, routed: true, wanted: true, ...changes };
}

describe('when a base image is asked for', () => {
  it('is between half the time of the configuration and all of it, not the same for each revision', () => {
    const seen = new Set<number>();
    const uid = fc.uuid();
    const period = fc.integer({ min: 60, max: 604_800 });
    fc.assert(
      fc.property(uid, period, fc.integer({ min: 0, max: 1e6 }), (uid, seconds, checked) => {
        const of = following({ checked });
        of.metadata.uid = uid;
        const now = EPOCH + checked * 1000;
        const dueAt = checkDueAt(of, parseConfig({ instance: { baseImageSeconds: seconds } }), now) ?? 0;
        const share = (dueAt - now) / (seconds * 1000);
        seen.add(share);
        return share >= 0.5 && share <= 1;
      }),
    );
    ok(seen.size > 10);
  });

  const cases: Record<
    string,
    { reason: string; of: Revision; wanted?: boolean; after: number; want: boolean }
  > = {
    'just asked': { reason: 'a registry has a quota', of: following({ checked: 0 }), after: 1, want: false },
    'asked long ago': {
      reason: 'patches are to arrive',
      of: following({ checked: 0 }),
      after: PERIOD_S,
      want: true,
    },
    'asked before the controller was away': {
      reason: 'it goes by the object, not by what a process remembers',
      of: following({ checked: 0 }),
      after: 100 * PERIOD_S,
      want: true,
    },
    'replaced by another revision': {
      reason: 'nobody is served by it',
      of: following({ checked: 0 }),
      wanted: false,
      after: PERIOD_S,
      want: false,
    },
    'never asked': {
      reason: 'an upgrade from a release that did not ask moves nothing at once',
      of: following(),
      after: PERIOD_S,
      want: false,
    },
    'asked in the future': {
      reason: 'a clock was wrong; the time is written anew',
      of: following({ checked: 1e9 }),
      after: 0,
      want: false,
    },
    'without the runtime class': {
      reason: 'it keeps the digest that it got first',
      of: following({ checked: 0, runtimeClassName: '' }),
      after: PERIOD_S,
      want: false,
    },
    'an image that was built': {
      reason: 'its base image is inside',
      of: following({ checked: 0, image: 'app:1' }),
      after: PERIOD_S,
      want: false,
    },
  };
  for (const [name, { reason, of, wanted = true, after, want }] of Object.entries(cases)) {
    it(`${name}: ${reason}`, () => equal(isCheckDue(of, wanted, config, EPOCH + after * 1000), want));
  }

  it('is not before its first digest is known', () => {
    const { status: _, ...fresh } = following();
    equal(isCheckDue(fresh as Revision, true, config, EPOCH + 1e9), false);
  });
});

describe('what following a base image adds to a plan', () => {
  interface Case {
    reason: string;
    of: Revision;
    baseImage?: DigestState;
    wanted?: boolean;
    /** Seconds since EPOCH. */
    now: number;
    want: {
      moved?: string;
      checked: number;
      status: string;
      message: RegExp;
      events?: number;
      requeues?: 'when due' | number;
    };
  }
  const due = following({ checked: 0 });
  const failed = (retryAt?: number): DigestState => ({
    state: 'failed',
    error: new RegistryUnreachableError('registry.example cannot be reached.'),
    ...(retryAt === undefined ? {} : { retryAt }),
  });
  const before = following({ checked: 0 });
  before.status?.conditions?.push({ type: 'BaseImageValidated', status: 'Unknown', message: 'It is away.' });

  const cases: Record<string, Case> = {
    'known for the first time': {
      reason: 'from here on the time counts, also after an upgrade',
      of: following(),
      now: 10,
      want: {
        checked: 10,
        status: 'True',
        message: /runs on registry\.example\/app@sha256:a+, which is base image 'nodejs24'/,
      },
    },
    'asked not long ago': {
      reason: 'the next time is waited for',
      of: due,
      now: 10,
      want: { checked: 0, status: 'True', message: /sha256:a/, requeues: 'when due' },
    },
    'being asked': {
      reason: 'the answer calls back',
      of: due,
      baseImage: { state: 'pending' },
      now: PERIOD_S,
      want: { checked: 0, status: 'True', message: /sha256:a/ },
    },
    'being asked again after a failure': {
      reason: 'a condition must not flap with each question',
      of: before,
      baseImage: { state: 'pending' },
      now: PERIOD_S,
      want: { checked: 0, status: 'Unknown', message: /^It is away\.$/ },
    },
    'the same digest': {
      reason: 'only the time is written',
      of: due,
      baseImage: resolved(PINNED),
      now: PERIOD_S,
      want: { checked: PERIOD_S, status: 'True', message: /sha256:a/ },
    },
    'another digest': {
      reason: 'the status has it first; the Deployment follows the status',
      of: due,
      baseImage: resolved(MOVED),
      now: PERIOD_S,
      want: { moved: MOVED, checked: PERIOD_S, status: 'True', message: /sha256:b/, events: 1 },
    },
    'a registry that is away': {
      reason: 'nothing changes, and people are told',
      of: due,
      baseImage: failed(EPOCH + (PERIOD_S + 8) * 1000),
      now: PERIOD_S,
      want: {
        checked: 0,
        status: 'Unknown',
        message: /^Instances keep their base image: registry\.example cannot be reached\.$/,
        requeues: 8000,
      },
    },
    'a name that is gone': {
      reason: 'asking again does not help',
      of: due,
      baseImage: { state: 'failed', error: new ImageInvalidError("'nodejs24' is no name.") },
      now: PERIOD_S,
      want: { checked: 0, status: 'Unknown', message: /'nodejs24' is no name/ },
    },
    'replaced by another revision': {
      reason: 'it is not looked at again',
      of: due,
      wanted: false,
      now: 10,
      want: { checked: 0, status: 'True', message: /sha256:a/ },
    },
  };
  for (const [name, { reason, of, baseImage, wanted = true, now, want }] of Object.entries(cases)) {
    it(`${name}: ${reason}`, () => {
      const at_ = EPOCH + now * 1000;
      const step = baseImageStep(input(of, { wanted, ...(baseImage ? { baseImage } : {}) }), config, at_);
      const condition = conditionOf(step?.conditions, 'BaseImageValidated');
      const requeues =
        want.requeues === 'when due' ? (checkDueAt(of, config, at_) ?? 0) - at_ : want.requeues;
      deepEqual(
        [
          step?.moved?.image,
          step?.annotations[CHECKED],
          condition?.status,
          step?.events.length,
          step?.requeueAfterMs,
        ],
        [want.moved, at(want.checked), want.status, want.events ?? 0, requeues],
      );
      match(condition?.message ?? '', want.message);
    });
  }

  const without: Record<string, Revision> = {
    'a revision without the runtime class': following({ checked: 0, runtimeClassName: '' }),
    'an image that was built': following({ checked: 0, image: 'app:1' }),
    'a revision without a source': revision(),
  };
  for (const [name, of] of Object.entries(without)) {
    it(`is nothing for ${name}`, () => equal(baseImageStep(input(of), config, EPOCH), undefined));
  }
});

describe('a revision whose base image has another digest', () => {
  const now = EPOCH + PERIOD_S * 1000;
  const due = following({ checked: 0 });

  /** The Deployment of the revision as it runs. */
  function running(of: Revision, image: string, made = config): Deployment {
    const { spec, metadata } = desiredDeployment(of, new Map([['user-container', image]]), made);
    const status = { observedGeneration: 1, replicas: 2, updatedReplicas: 2, readyReplicas: 2 };
    const live = deployment('hello-00001-abc', 2, status);
    return {
      ...live,
      metadata: { ...live.metadata, ...metadata, generation: 1 },
      spec: { ...spec, replicas: 2 },
    } as Deployment;
  }
  const imagesOf = (objects: readonly unknown[]) =>
    (objects as Deployment[]).map(({ spec }) => spec?.template.spec?.containers[0]?.image);

  it('writes it down before anything is replaced', () => {
    const plan = planRevision(
      input(due, { deployment: running(due, PINNED), baseImage: resolved(MOVED) }),
      config,
      now,
    );
    deepEqual(imagesOf(plan.apply), [PINNED]);
    deepEqual(plan.status?.status?.containerStatuses, [{ name: 'user-container', imageDigest: MOVED }]);
    ok(isTrue(conditionOf(plan.status?.status?.conditions, 'Ready')));
    deepEqual(
      plan.events.map(({ reason }) => reason),
      ['BaseImageUpdated'],
    );
  });

  const moved = following({ checked: PERIOD_S });
  moved.status = { ...moved.status, containerStatuses: [{ name: 'user-container', imageDigest: MOVED }] };

  it('then replaces its instances, new ones first', () => {
    const plan = planRevision(input(moved, { deployment: running(moved, PINNED) }), config, now);
    assertGolden(new URL('./golden/baseImageMoved.golden.yaml', import.meta.url), plan.apply[0]);
    equal(plan.template, 'outdated');
    deepEqual(
      plan.events.map(({ reason }) => reason),
      ['InstancesReplaced'],
    );
  });

  it('takes it without instances, for the next start', () => {
    const live = running(moved, PINNED);
    const idle = { ...live, spec: { ...live.spec, replicas: 0 }, status: {} } as Deployment;
    deepEqual(imagesOf(planRevision(input(moved, { deployment: idle }), config, now).apply), [MOVED]);
  });

  it('keeps its instances where only the configuration is another: an upgrade restarts nothing', () => {
    const live = running(due, PINNED, parseConfig({ instance: { cpuRequestFraction: 0.5 } }));
    deepEqual(planRevision(input(due, { deployment: live }), config, now).apply, []);
  });

  it('keeps them where it does not follow, whatever its status says', () => {
    const kept = following({ checked: 0, runtimeClassName: '' });
    kept.status = { ...kept.status, containerStatuses: [{ name: 'user-container', imageDigest: MOVED }] };
    deepEqual(planRevision(input(kept, { deployment: running(kept, PINNED) }), config, now).apply, []);
  });
});
