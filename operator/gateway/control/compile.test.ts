import assert from 'node:assert/strict';
import { RUN } from '../../apis/annotations/run.ts';
import type { Condition } from '../../apis/condition.ts';
import { SERVING, VISIBILITY } from '../../apis/labels.ts';
import { REVISIONS, type Revision } from '../../apis/serving/revision/types.ts';
import { ROUTES, type Route } from '../../apis/serving/route/types.ts';
import { parseConfig } from '../../config.ts';
import type { Pod } from '../../kube/core.ts';
import { UNLIMITED } from '../shared/limits.ts';
import { compilePod, compileRevision, compileRoute } from './compile.ts';

const config = parseConfig({ domain: 'example.com' });
type Traffic = NonNullable<NonNullable<Route['status']>['traffic']>;

const route = (
  traffic: Traffic | undefined,
  labels?: Record<string, string>,
  annotations?: Record<string, string>,
): Route => ({
  apiVersion: ROUTES.apiVersion,
  kind: ROUTES.kind,
  metadata: {
    namespace: 'ns',
    name: 'hello',
    creationTimestamp: '2026-01-01T00:00:00Z',
    labels,
    annotations,
  },
  spec: {},
  status: traffic && { traffic },
});

const revision = (spec: Partial<Revision['spec']>, annotations?: Record<string, string>): Revision => ({
  apiVersion: REVISIONS.apiVersion,
  kind: REVISIONS.kind,
  metadata: { namespace: 'ns', name: 'hello-1', uid: 'revision-1', annotations },
  spec: { containers: [{ name: 'user', image: 'x' }], ...spec },
});

const LABELS = { [SERVING.revision]: 'hello-1', [SERVING.revisionUID]: 'revision-1' };

const pod = (status: Pod['status'], metadata: Partial<Pod['metadata']> = {}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { namespace: 'ns', name: 'p', uid: 'u', labels: LABELS, ...metadata },
  spec: { containers: [{ name: 'aside' }, { name: 'user', ports: [{ containerPort: 8080 }] }] },
  status,
});

describe('compileRoute', () => {
  const hosts = (object: Route) =>
    Object.fromEntries(
      [...compileRoute(object, config).hosts].map(([host, targets]) => [
        host,
        targets.map(({ revision, percent }) => `${revision} ${percent}`).join(', '),
      ]),
    );
  const INTERNAL = ['hello.ns', 'hello.ns.svc', 'hello.ns.svc.cluster.local'];

  const tables: Record<string, { reason: string; object: Route; want: Record<string, string> }> = {
    'one revision': {
      reason: 'it is served at its external name and at those in the cluster',
      object: route([{ revisionName: 'hello-1', percent: 100 }]),
      want: Object.fromEntries(['hello.ns.example.com', ...INTERNAL].map((host) => [host, 'ns/hello-1 100'])),
    },
    'cluster-local': {
      reason: 'its external name is not served',
      object: route([{ revisionName: 'hello-1', percent: 100 }], { [VISIBILITY]: 'cluster-local' }),
      want: Object.fromEntries(INTERNAL.map((host) => [host, 'ns/hello-1 100'])),
    },
    'default URL disabled': {
      reason: 'as on Cloud Run, the external name is not found',
      object: route([{ revisionName: 'hello-1', percent: 100 }], undefined, {
        'run.googleapis.com/default-url-disabled': 'True',
      }),
      want: Object.fromEntries(INTERNAL.map((host) => [host, 'ns/hello-1 100'])),
    },
    'default URL not disabled': {
      reason: 'gcloud writes the annotation either way',
      object: route([{ revisionName: 'hello-1', percent: 100 }], undefined, {
        'run.googleapis.com/default-url-disabled': 'False',
      }),
      want: Object.fromEntries(['hello.ns.example.com', ...INTERNAL].map((host) => [host, 'ns/hello-1 100'])),
    },
    'not ready': {
      reason: 'nothing is served before the status names a revision',
      object: route(undefined),
      want: {},
    },
    'no revision yet': {
      reason: 'a target without a revision is left out',
      object: route([{ latestRevision: true, percent: 100 }]),
      want: {},
    },
  };
  for (const [name, { reason, object, want }] of Object.entries(tables)) {
    it(`${name}: ${reason}`, () => assert.deepEqual(hosts(object), want));
  }

  const reaches: Record<
    string,
    { reason: string; labels?: Record<string, string>; ingress?: string; want: string }
  > = {
    'no ingress': { reason: 'the default is all', want: 'external and internal' },
    all: { reason: 'every request is allowed', ingress: 'all', want: 'external and internal' },
    internal: {
      reason: 'none of its names is served outside',
      ingress: 'internal',
      want: 'internal',
    },
    'internal-and-cloud-load-balancing': {
      reason: 'an allowed load balancer connects from the cluster',
      ingress: 'internal-and-cloud-load-balancing',
      want: 'internal',
    },
    none: { reason: 'no request is allowed', ingress: 'none', want: '' },
    'cluster-local': {
      reason: 'its internal names are not served outside either',
      labels: { [VISIBILITY]: 'cluster-local' },
      ingress: 'all',
      want: 'internal',
    },
  };
  for (const [name, { reason, labels, ingress, want }] of Object.entries(reaches)) {
    it(`${name}: ${reason}`, () => {
      const annotations = ingress ? { 'run.googleapis.com/ingress': ingress } : undefined;
      const object = route([{ revisionName: 'hello-1', percent: 100 }], labels, annotations);
      const { hosts, internalOnly } = compileRoute(object, config);
      assert.equal(hosts.size === 0 ? '' : internalOnly ? 'internal' : 'external and internal', want);
    });
  }

  it('adds up shares of one revision, and gives a tag its revision whole even at 0 %', () => {
    const compiled = hosts(
      route([
        { revisionName: 'hello-1', percent: 60 },
        { revisionName: 'hello-2', percent: 10 },
        { revisionName: 'hello-1', percent: 30, tag: 'old' },
        { revisionName: 'hello-3', percent: 0, tag: 'next' },
      ]),
    );
    assert.equal(compiled['hello.ns.example.com'], 'ns/hello-1 90, ns/hello-2 10');
    assert.equal(compiled['old---hello.ns.example.com'], 'ns/hello-1 100');
    assert.equal(compiled['next---hello.ns.example.com'], 'ns/hello-3 100');
    assert.equal(compiled['next---hello.ns.svc.cluster.local'], 'ns/hello-3 100');
  });

  it('stops the revisions that share the requests of a service with manual scaling to 0, and no other', () => {
    const traffic = [
      { revisionName: 'hello-1', percent: 100 },
      { revisionName: 'hello-2', percent: 0, tag: 'next' },
    ];
    const stopped = (annotations: Record<string, string>) => [
      ...(compileRoute(route(traffic, {}, annotations), config).stopped ?? []),
    ];
    const mode = { 'run.googleapis.com/scalingMode': 'manual' };
    const count = 'run.googleapis.com/manualInstanceCount';
    assert.deepEqual(stopped({ ...mode, [count]: '0' }), ['ns/hello-1']);
    assert.deepEqual(stopped({ ...mode, [count]: '1' }), []);
    assert.deepEqual(stopped({ [count]: '0' }), [], 'the mode is automatic');
  });
});

describe('compileRevision', () => {
  const ports = (name: string | undefined, containerPort?: number) => [
    { name: 'user', image: 'x', ports: [{ ...(name && { name }), ...(containerPort && { containerPort }) }] },
  ];
  const tables: Record<string, { reason: string; spec: Partial<Revision['spec']>; want: object }> = {
    defaults: {
      reason: 'container contract: port 8080, 300 s, HTTP/1.1; 0 is no limit',
      spec: { containerConcurrency: 0 },
      want: { limit: UNLIMITED, timeoutMs: 300_000, protocol: 'http1', port: 8080 },
    },
    'all set': {
      reason: 'the spec counts',
      spec: { containerConcurrency: 7, timeoutSeconds: 9, containers: ports('h2c', 9000) as never },
      want: { limit: 7, timeoutMs: 9000, protocol: 'h2c', port: 9000 },
    },
    http1: {
      reason: 'the other name that a port may have',
      spec: { containers: ports('http1', 80) as never },
      want: { limit: UNLIMITED, timeoutMs: 300_000, protocol: 'http1', port: 80 },
    },
  };
  for (const [name, { reason, spec, want }] of Object.entries(tables)) {
    it(`${name}: ${reason}`, () => {
      const { check, readiness, uid, failing, affinity, ...compiled } = compileRevision(revision(spec));
      assert.deepEqual(compiled, want);
      assert.equal(uid, 'revision-1');
      assert.equal(check.attempt.port, compiled.port);
      assert.equal(readiness, undefined);
    });
  }
});

describe('session affinity of a revision', () => {
  const tables: Record<string, { reason: string; value: string | undefined; want: boolean }> = {
    unset: { reason: 'it is off by default', value: undefined, want: false },
    true: { reason: 'as people and gcloud write it', value: 'true', want: true },
    True: { reason: 'flags have no case', value: 'True', want: true },
    false: { reason: 'switched off', value: 'false', want: false },
  };
  for (const [name, { reason, value, want }] of Object.entries(tables)) {
    it(`${name}: ${reason}`, () => {
      const annotations = value === undefined ? undefined : { [RUN.sessionAffinity]: value };
      assert.equal(compileRevision(revision({}, annotations)).affinity, want);
    });
  }
});

describe('why no instance of a revision can start', () => {
  const tables: Record<string, { reason: string; active?: Partial<Condition>; want: string | undefined }> = {
    'no condition': { reason: 'a new revision has none yet', want: undefined },
    'instances run': { reason: 'they take requests', active: { status: 'True' }, want: undefined },
    'instances start': {
      reason: 'they may only be slow',
      active: { status: 'Unknown', reason: 'Deploying' },
      want: undefined,
    },
    'scaled to zero': {
      reason: 'a request wakes one',
      active: { status: 'False', reason: 'NoTraffic' },
      want: undefined,
    },
    'a secret is missing': {
      reason: 'clients get the reason alone: the message is for those who may read the revision',
      active: { status: 'False', reason: 'CreateContainerConfigError', message: 'secret "s" not found' },
      want: 'CreateContainerConfigError',
    },
  };
  for (const [name, { reason, active, want }] of Object.entries(tables)) {
    it(`${name}: ${reason}`, () => {
      const conditions = active && [{ type: 'Active', severity: 'Info', ...active } as Condition];
      assert.equal(compileRevision({ ...revision({}), status: { conditions } }).failing, want);
    });
  }
});

describe('compilePod', () => {
  const running = (name: string, containerID: string, state = {}) => ({
    ...{ name, containerID, state, image: '', imageID: '', ready: true, restartCount: 0 },
  });

  const tables: Record<string, { reason: string; object: Pod; want: object }> = {
    pending: {
      reason: 'it has no address and no container yet',
      object: pod({ phase: 'Pending' }),
      want: { ip: undefined, leaving: false, container: undefined },
    },
    running: {
      reason: 'restarts of the container with the port count',
      object: pod({
        phase: 'Running',
        podIP: '10.0.0.1',
        containerStatuses: [running('aside', 'c0'), running('user', 'c1')],
      }),
      want: { ip: '10.0.0.1', leaving: false, container: 'c1' },
    },
    ended: {
      reason: 'a terminated container differs from the running one',
      object: pod({
        podIP: '10.0.0.1',
        containerStatuses: [running('user', 'c1', { terminated: { exitCode: 1 } })],
      }),
      want: { ip: '10.0.0.1', leaving: false, container: 'c1 ended' },
    },
    terminating: {
      reason: 'container contract, Shutdown: no new request',
      object: pod({ phase: 'Running', podIP: '10.0.0.1' }, { deletionTimestamp: '2026-01-01T00:00:00Z' }),
      want: { ip: '10.0.0.1', leaving: true, container: undefined },
    },
    failed: {
      reason: 'an evicted pod stays as an object',
      object: pod({ phase: 'Failed', podIP: '10.0.0.1' }),
      want: { ip: '10.0.0.1', leaving: true, container: undefined },
    },
  };
  for (const [name, { reason, object, want }] of Object.entries(tables)) {
    it(`${name}: ${reason}`, () => {
      const {
        key,
        uid,
        name: podName,
        revision: of,
        revisionUid,
        held,
        node,
        reduction,
        resizing,
        ...compiled
      } = compilePod(object) ?? assert.fail();
      assert.deepEqual(
        [key, uid, podName, of, held, node, reduction, resizing],
        ['ns/p', 'u', 'p', 'ns/hello-1', false, undefined, undefined, false],
      );
      assert.equal(revisionUid, 'revision-1');
      assert.deepEqual(compiled, want);
    });
  }

  const held: Record<string, { reason: string; container: object; aside?: object; want: boolean }> = {
    'no probe': { reason: 'the startup probe decides', container: {}, want: false },
    'HTTP of the ingress container': {
      reason: 'the gateway runs it, also while an older template has the kubelet run it',
      container: { readinessProbe: { httpGet: { path: '/', port: 8080 } } },
      want: false,
    },
    'exec of the ingress container': {
      reason: 'only the kubelet can run it',
      container: { readinessProbe: { exec: { command: ['x'] } } },
      want: true,
    },
    'HTTP of a sidecar': {
      reason: 'the kubelet runs it',
      container: {},
      aside: { readinessProbe: { httpGet: { path: '/', port: 9000 } } },
      want: true,
    },
  };
  for (const [name, { reason, container, aside, want }] of Object.entries(held)) {
    it(`readiness probe, ${name}: ${reason}`, () => {
      const unready = (of: string) => ({ ...running(of, of), ready: false });
      const object = pod({ podIP: '10.0.0.1', containerStatuses: [unready('user'), unready('aside')] });
      const user = { name: 'user', ports: [{ containerPort: 8080 }], ...container };
      object.spec = { containers: [user, { name: 'aside', ...aside }] };
      assert.equal(compilePod(object)?.held, want);
    });
  }

  it('ignores other pods', () => assert.equal(compilePod(pod({}, { labels: {} })), undefined));
});
