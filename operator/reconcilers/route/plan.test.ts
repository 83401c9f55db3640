import assert from 'node:assert/strict';
import { BOOKKEEPING } from '../../apis/annotations/bookkeeping.ts';
import { RUN } from '../../apis/annotations/run.ts';
import { SERVING as ANNOTATION } from '../../apis/annotations/serving.ts';
import { conditionOf } from '../../apis/condition.ts';
import { SERVING, VISIBILITY } from '../../apis/labels.ts';
import { parseConfig } from '../../config.ts';
import { assertGolden } from '../../testing/golden.ts';
import { configuration, EPOCH, revision, route, service } from '../../testing/serving.ts';
import { desiredAlias } from './alias.ts';
import { planRoute, type RouteInput } from './plan.ts';

const config = parseConfig({});
const ready = revision('hello-00001-abc', { ready: 'True' });
const failed = revision('hello-00002-abc', { ready: 'False', message: 'It exited.' });
const following = (status: object) => ({ ...configuration(), status }) as ReturnType<typeof configuration>;
/** Of a service of that name with this UID. */
const ofService = <T extends { metadata: object }>(uid: string, object: T): T => ({
  ...object,
  metadata: { ...object.metadata, labels: { [SERVING.service]: 'hello', [SERVING.serviceUID]: uid } },
});
const before = [{ revisionName: 'hello-00001-abc', percent: 100, latestRevision: true }];

interface Case {
  reason: string;
  route: RouteInput['route'];
  configurations?: ReturnType<typeof configuration>[];
  revisions?: ReturnType<typeof revision>[];
  alias?: RouteInput['alias'];
  service?: RouteInput['service'];
  traffic: object[] | undefined;
  ready: { status: string; reason?: string; message?: RegExp };
}

const CASES: Record<string, Case> = {
  'latest revision ready': {
    reason: 'the latest ready revision gets the share of the latest revision',
    route: route(),
    configurations: [following({ latestReadyRevisionName: 'hello-00001-abc' })],
    traffic: before,
    ready: { status: 'True' },
  },
  'nothing ready yet': {
    reason: 'a first revision that is starting leaves the route waiting, not failed',
    route: route(),
    configurations: [following({ conditions: [{ type: 'Ready', status: 'Unknown' }] })],
    traffic: undefined,
    ready: { status: 'Unknown', reason: 'RevisionMissing' },
  },
  'first revision failed': {
    reason: 'what made it fail is reported here too',
    route: route(),
    configurations: [following({ conditions: [{ type: 'Ready', status: 'False', message: 'It exited.' }] })],
    traffic: undefined,
    ready: { status: 'False', reason: 'RevisionMissing', message: /It exited\.$/ },
  },
  'named revisions and a tag': {
    reason: 'each target is served as it is written, a tag with a URL of its own',
    route: route('hello', [
      { revisionName: 'hello-00001-abc', percent: 100 },
      { revisionName: 'hello-00001-abc', tag: 'next' },
    ]),
    revisions: [ready],
    traffic: [
      { revisionName: 'hello-00001-abc', percent: 100, latestRevision: false },
      {
        revisionName: 'hello-00001-abc',
        percent: 0,
        latestRevision: false,
        tag: 'next',
        url: 'http://next---hello.demo.localhost',
      },
    ],
    ready: { status: 'True' },
  },
  'a named revision is missing': {
    reason: 'a typing error in one target moves no traffic at all',
    route: {
      ...route('hello', [{ revisionName: 'hello-9', percent: 100 }]),
      metadata: { ...route('hello').metadata, labels: { [SERVING.service]: 'hello' } },
      status: { traffic: before },
    },
    traffic: before,
    ready: {
      status: 'False',
      reason: 'RevisionMissing',
      message:
        /'hello-9' referenced in traffic not found\. .*--namespace demo --selector serving\.knative\.dev\/service=hello$/,
    },
  },
  'a named revision is still to be made': {
    reason: 'a service that names its next revision and tags it at once is waiting, not failed',
    route: {
      ...route('hello', [
        { revisionName: 'hello-00001-abc', percent: 100 },
        { revisionName: 'hello-next', tag: 'next' },
      ]),
      status: { traffic: before },
    },
    revisions: [ready],
    service: service('hello', { metadata: { name: 'hello-next' } }),
    traffic: before,
    ready: {
      status: 'Unknown',
      reason: 'RevisionMissing',
      message: /^Revision 'hello-next' referenced in traffic is being created\.$/,
    },
  },
  'the configuration is still to be made': {
    reason: 'the service makes it with the route, which may be seen first',
    route: route(),
    service: service(),
    traffic: undefined,
    ready: {
      status: 'Unknown',
      reason: 'ConfigurationMissing',
      message: /^Configuration 'hello' referenced in traffic is being created\.$/,
    },
  },
  'the configuration of another service is missing': {
    reason: 'nobody is about to make it',
    route: route('hello', [{ latestRevision: true, configurationName: 'other', percent: 100 }]),
    service: service(),
    traffic: undefined,
    ready: { status: 'False', reason: 'ConfigurationMissing' },
  },
  'a configuration of an earlier service of the name': {
    reason: 'it goes, and its revisions with it; the new one comes',
    route: ofService('new', route()),
    configurations: [ofService('old', following({ latestReadyRevisionName: 'hello-00001-abc' }))],
    service: service(),
    traffic: undefined,
    ready: { status: 'Unknown', reason: 'ConfigurationMissing' },
  },
  'a revision of an earlier service of the name': {
    reason: 'the same',
    route: ofService('new', route('hello', [{ revisionName: 'hello-next', percent: 100 }])),
    revisions: [ofService('old', revision('hello-next', { ready: 'True' }))],
    service: service('hello', { metadata: { name: 'hello-next' } }),
    traffic: undefined,
    ready: { status: 'Unknown', reason: 'RevisionMissing' },
  },
  'a core Service of an earlier route of the name': {
    reason: 'it goes without anybody doing something; requests from outside come in meanwhile',
    route: route(),
    configurations: [following({ latestReadyRevisionName: 'hello-00001-abc' })],
    alias: desiredAlias({ ...route(), metadata: { ...route().metadata, uid: 'old' } }, 'system', config),
    traffic: before,
    ready: { status: 'Unknown', reason: 'NotOwned', message: /of an earlier route is being deleted\.$/ },
  },
  'a named revision has failed': {
    reason: 'a failing revision never takes traffic; everything stays where it was',
    route: {
      ...route('hello', [
        { revisionName: 'hello-00001-abc', percent: 50 },
        { revisionName: 'hello-00002-abc', percent: 50 },
      ]),
      status: { traffic: before },
    },
    revisions: [ready, failed],
    traffic: before,
    ready: { status: 'False', reason: 'RevisionNotReady', message: /'hello-00002-abc'.*It exited\.$/ },
  },
  'the name inside the cluster is taken': {
    reason: 'a core Service that a person made is left alone, and the person learns of it',
    route: route(),
    configurations: [following({ latestReadyRevisionName: 'hello-00001-abc' })],
    alias: { apiVersion: 'v1', kind: 'Service', metadata: { name: 'hello', namespace: 'demo' } },
    traffic: before,
    ready: { status: 'False', reason: 'NotOwned' },
  },
};

const byName = <T extends { metadata: { name: string } }>(objects: T[] = []) =>
  new Map(objects.map((object) => [object.metadata.name, object]));

describe('planRoute', () => {
  for (const [name, test] of Object.entries(CASES)) {
    it(`${name}: ${test.reason}`, () => {
      const input = {
        route: test.route,
        configurations: byName(test.configurations),
        revisions: byName(test.revisions),
        alias: test.alias,
        service: test.service,
      };
      const plan = planRoute(input, 'homerun-system', config, EPOCH);
      assert.deepEqual(plan.status?.status?.traffic, test.traffic);
      assert.equal(plan.apply.length, test.alias ? 0 : 1);
      const actual = conditionOf(plan.status?.status?.conditions, 'Ready');
      assert.equal(actual?.status, test.ready.status);
      if (test.ready.reason) assert.equal(actual?.reason, test.ready.reason);
      if (test.ready.message) assert.match(actual?.message ?? '', test.ready.message);
    });
  }

  describe('a gradual roll-out', () => {
    const owned = (name: string) => {
      const made = revision(name, { ready: 'True' });
      return {
        ...made,
        metadata: { ...made.metadata, labels: { ...made.metadata.labels, [SERVING.configuration]: 'hello' } },
      };
    };
    const revisions = byName(['hello-00001-abc', 'hello-00002-abc', 'hello-00003-abc'].map(owned));
    const gradual = (targets?: Parameters<typeof route>[1]) => {
      const made = route('hello', targets);
      const annotations = { [ANNOTATION.rolloutDuration]: '100s' };
      return { ...made, metadata: { ...made.metadata, annotations }, status: { traffic: before } };
    };
    const look = (subject: RouteInput['route'], latest: string, seconds: number, settings = config) => {
      const configurations = byName([following({ latestReadyRevisionName: latest })]);
      const input = { route: subject, configurations, revisions };
      return planRoute(input, 'homerun-system', settings, EPOCH + seconds * 1000);
    };
    const split = (plan: ReturnType<typeof planRoute>) =>
      plan.status?.status?.traffic?.map(({ revisionName, percent, latestRevision, tag }) =>
        [revisionName?.slice(6, 11), percent, latestRevision ? 'latest' : 'named', tag]
          .filter(Boolean)
          .join(' '),
      );
    const readyIn = (plan: ReturnType<typeof planRoute>) =>
      conditionOf(plan.status?.status?.conditions, 'Ready');

    it('goes on from the status of the route, which says what is in progress and until when', () => {
      const first = look(gradual(), 'hello-00002-abc', 0);
      assert.deepEqual(split(first), ['00001 99 latest', '00002 1 latest']);
      assert.equal(first.requeueAfterMs, 1011);
      assert.equal(first.statusWaitMs, undefined, 'a step is not put off');
      const { status, reason, message } = readyIn(first) ?? {};
      assert.deepEqual([status, reason], ['Unknown', 'RolloutInProgress']);
      assert.match(message ?? '', /is in progress until 2026-\d\d-\d\dT\d\d:01:40Z\.$/);
      const later = look(first.status as RouteInput['route'], 'hello-00002-abc', 50);
      assert.deepEqual(split(later), ['00001 50 latest', '00002 50 latest']);
      const next = look(later.status as RouteInput['route'], 'hello-00003-abc', 50);
      assert.deepEqual(split(next), ['00001 50 latest', '00002 49 latest', '00003 1 latest']);
      const last = look(next.status as RouteInput['route'], 'hello-00003-abc', 150);
      assert.deepEqual(split(last), ['00003 100 latest']);
      assert.equal(readyIn(last)?.status, 'True');
      assert.equal(last.status?.status?.annotations, undefined);
      assert.equal(last.requeueAfterMs, undefined);
    });

    it('moves what the targets of a configuration have together, and the address of a tag at once', () => {
      const targets = [
        { configurationName: 'hello', percent: 30 },
        { revisionName: 'hello-00001-abc', percent: 20 },
        { configurationName: 'hello', percent: 50, tag: 'next' },
      ];
      const finished = look(gradual(targets), 'hello-00001-abc', 0);
      const started = look(finished.status as RouteInput['route'], 'hello-00002-abc', 0);
      assert.deepEqual(split(started), [
        '00001 79 latest',
        '00002 1 latest',
        '00001 20 named',
        '00002 latest next',
      ]);
      const later = look(started.status as RouteInput['route'], 'hello-00002-abc', 50);
      assert.deepEqual(split(later), [
        '00001 40 latest',
        '00002 30 latest',
        '00001 20 named',
        '00002 10 latest next',
      ]);
    });

    it('is not asked for by a change of the targets, and ends with a named revision', () => {
      const named = [{ revisionName: 'hello-00001-abc', percent: 100 }];
      const pinned = look(gradual(named), 'hello-00002-abc', 0);
      const latest = { ...(pinned.status as RouteInput['route']), spec: gradual().spec };
      assert.deepEqual(split(look(latest, 'hello-00002-abc', 0)), ['00002 100 latest']);
      const started = look(gradual(), 'hello-00002-abc', 0);
      const back = { ...(started.status as RouteInput['route']), spec: gradual(named).spec };
      const { requeueAfterMs, ...plan } = look(back, 'hello-00002-abc', 10);
      assert.deepEqual([split(plan), requeueAfterMs], [['00001 100 named'], undefined]);
    });

    it('stands still, and is remembered, while a target cannot be served', () => {
      const started = look(gradual(), 'hello-00002-abc', 0).status as RouteInput['route'];
      const broken = { ...started, spec: gradual([{ revisionName: 'hello-9', percent: 100 }]).spec };
      const { status } = look(broken, 'hello-00002-abc', 50).status ?? {};
      assert.deepEqual(status?.traffic, started.status?.traffic);
      assert.deepEqual(status?.annotations, started.status?.annotations);
    });

    it('takes the time of the chart where the route has none, and none where it says 0s', () => {
      const settings = parseConfig({ traffic: { rolloutDurationSeconds: 10 } });
      const plain = { ...route(), status: { traffic: before } };
      const annotations = { [ANNOTATION.rolloutDuration]: '0s' };
      const off = { ...plain, metadata: { ...plain.metadata, annotations } };
      assert.equal(look(plain, 'hello-00002-abc', 0, settings).requeueAfterMs, 1000);
      assert.deepEqual(split(look(off, 'hello-00002-abc', 0, settings)), ['00002 100 latest']);
      assert.deepEqual(split(look(plain, 'hello-00002-abc', 0)), ['00002 100 latest']);
    });

    for (const text of ['', '[', '7', 'null', '{"hello":{}}', '{"hello":null}', '{"hello":{"shares":[]}}']) {
      it(`reads ${JSON.stringify(text)} as nothing remembered, and goes on from the traffic in force`, () => {
        const started = look(gradual(), 'hello-00002-abc', 0).status as RouteInput['route'];
        const annotations = { [BOOKKEEPING.rollout]: text };
        const lost = { ...started, status: { ...started.status, annotations } };
        const plan = look(lost, 'hello-00002-abc', 50);
        assert.deepEqual(split(plan), ['00001 99 latest', '00002 1 latest']);
        assert.equal(plan.requeueAfterMs, 1011);
      });
    }
  });

  it('leaves hosts to those who have them, and says who that is', () => {
    const tagged = route('hello', [
      { revisionName: 'hello-00001-abc', percent: 100 },
      { revisionName: 'hello-00001-abc', tag: 'v1' },
    ]);
    const input = { configurations: byName([]), revisions: byName([ready]) };
    const planned = (tag: string) => {
      const host = `${tag ? `${tag}---` : ''}hello.demo.localhost`;
      const taken = new Map([[tag, { host, by: "service 'demo/other'" }]]);
      const { status } = planRoute({ ...input, route: tagged, taken }, 'homerun-system', config, EPOCH);
      const { traffic, conditions } = status?.status ?? {};
      return { traffic, ready: conditionOf(conditions, 'Ready') };
    };
    const own = planned('');
    assert.equal(
      own.traffic,
      undefined,
      'nothing is served, so that no gateway takes the host from the other',
    );
    assert.equal(own.ready?.reason, 'HostTaken');
    assert.match(own.ready?.message ?? '', /^Host 'hello\.demo\.localhost' belongs to service 'demo\/other'/);
    const byTag = planned('v1');
    assert.deepEqual(
      byTag.traffic?.map(({ percent, tag }) => [percent, tag]),
      [
        [100, undefined],
        [0, undefined],
      ],
    );
    assert.equal(byTag.ready?.status, 'False');
    assert.match(byTag.ready?.message ?? '', /^Host 'v1---hello\.demo\.localhost'/);
  });

  it('shows the address inside the cluster, and none for tags, where no outside name answers', () => {
    const tagged = [{ revisionName: 'hello-00001-abc', percent: 100, tag: 'next' }];
    const shown = (metadata: object) => {
      const made = route('hello', tagged);
      const subject = { ...made, metadata: { ...made.metadata, ...metadata } };
      const input = { route: subject, configurations: byName([]), revisions: byName([ready]) };
      const { status } = planRoute(input, 'homerun-system', config, EPOCH).status ?? {};
      return [status?.url, status?.traffic?.[0]?.url];
    };
    const inside = ['http://hello.demo.svc.cluster.local', undefined];
    assert.deepEqual(shown({}), ['http://hello.demo.localhost', 'http://next---hello.demo.localhost']);
    assert.deepEqual(shown({ annotations: { [RUN.defaultUrlDisabled]: 'True' } }), inside);
    assert.deepEqual(shown({ labels: { [VISIBILITY]: 'cluster-local' } }), inside);
  });

  it('keeps what stands on the core Service when it goes from the route, and follows what changes', () => {
    const before = route();
    before.metadata.labels = { team: 'red', stage: 'test' };
    before.metadata.annotations = { note: 'old' };
    const present = desiredAlias(before, 'homerun-system', config);
    present.metadata.annotations = { ...present.metadata.annotations, 'homerun.dev/applied-hash': 'x' };
    const after = route();
    after.metadata.labels = { stage: 'live' };
    const { labels, annotations } = desiredAlias(after, 'homerun-system', config, present).metadata;
    assert.deepEqual(labels, { team: 'red', stage: 'live', [SERVING.route]: 'hello' });
    assert.deepEqual(annotations, { note: 'old' });
  });

  it('gives the name inside the cluster as golden/alias.golden.yaml says', () => {
    assertGolden(
      new URL('./golden/alias.golden.yaml', import.meta.url),
      desiredAlias(route(), 'homerun-system', config),
    );
  });
});
