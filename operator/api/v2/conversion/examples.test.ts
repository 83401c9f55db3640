import assert from 'node:assert/strict';
import { parse } from 'yaml';
import { MANIFESTS as JOBS } from '../../../apis/run/job/manifestCases.ts';
import { MANIFESTS as POOLS } from '../../../apis/run/workerPool/manifestCases.ts';
import { MANIFESTS as SERVICES } from '../../../apis/serving/service/manifestCases.ts';
import type { KubeObject } from '../../../kube/types.ts';
import { CONVERSIONS, type Conversion, fieldAt, toMessage, toResource } from './kinds.ts';
import type { Fields } from './value.ts';

const PLACE = 'projects/demo/locations/local';

/** A template of v1 and what v2 shows of it. */
interface Example {
  annotations?: Record<string, string>;
  spec?: Fields;
  shows: Fields;
  reason: string;
}

const IMAGE = { image: 'a' };

const EXAMPLES: Record<string, Example> = {
  'a connection to Cloud SQL': {
    annotations: { 'run.googleapis.com/cloudsql-instances': 'p:r:a,p:r:b' },
    shows: {
      containers: [{ ...IMAGE, volumeMounts: [{ name: 'cloudsql', mountPath: '/cloudsql' }] }],
      volumes: [{ name: 'cloudsql', cloudSqlInstance: { instances: ['p:r:a', 'p:r:b'] } }],
    },
    reason: 'Cloud Run, Connect to Cloud SQL: a volume in v2',
  },
  'a secret of another project': {
    annotations: { 'run.googleapis.com/secrets': 'key:projects/other/secrets/s' },
    spec: {
      containers: [
        { ...IMAGE, env: [{ name: 'K', valueFrom: { secretKeyRef: { name: 'key', key: 'latest' } } }] },
      ],
    },
    shows: {
      containers: [
        {
          ...IMAGE,
          env: [
            {
              name: 'K',
              valueSource: { secretKeyRef: { secret: 'projects/other/secrets/s', version: 'latest' } },
            },
          ],
        },
      ],
    },
    reason: 'v2 writes the full name where v1 has an alias',
  },
  'CPU that is throttled': {
    annotations: { 'run.googleapis.com/startup-cpu-boost': 'True' },
    spec: { containers: [{ ...IMAGE, resources: { limits: { cpu: 2 } } }] },
    shows: {
      containers: [{ ...IMAGE, resources: { limits: { cpu: '2' }, cpuIdle: true, startupCpuBoost: true } }],
    },
    reason: "v1's default is to throttle; gcloud writes True; quantities are texts in v2",
  },
  'CPU that is always allocated': {
    annotations: { 'run.googleapis.com/cpu-throttling': 'False' },
    spec: { containers: [{ ...IMAGE, resources: {} }] },
    shows: { containers: [{ ...IMAGE, resources: {} }] },
    reason: 'false is unset in v2',
  },
  'an order of containers': {
    annotations: { 'run.googleapis.com/container-dependencies': '{app: [side]}' },
    spec: {
      containers: [
        { ...IMAGE, name: 'app' },
        { ...IMAGE, name: 'side' },
      ],
    },
    shows: {
      containers: [
        { ...IMAGE, name: 'app', dependsOn: ['side'] },
        { ...IMAGE, name: 'side' },
      ],
    },
    reason: 'it stands at the container in v2',
  },
  'an only container with the name that it gets by default': {
    annotations: { 'run.googleapis.com/base-images': '{"user-container":"b"}' },
    spec: { containers: [{ ...IMAGE, name: 'user-container', imagePullPolicy: 'Always' }] },
    shows: { containers: [{ ...IMAGE, baseImageUri: 'b' }] },
    reason: 'API reference v2, Container: a name is what a client gave',
  },
  'the source of one of two containers': {
    annotations: {
      'run.googleapis.com/sources': '{"app":"gs://run-sources-demo-local/services/a/1.tar.gz#17"}',
      'run.googleapis.com/base-images': '{"app":"nodejs24"}',
    },
    spec: {
      containers: [
        { ...IMAGE, name: 'app' },
        { ...IMAGE, name: 'side' },
      ],
    },
    shows: {
      containers: [
        {
          ...IMAGE,
          name: 'app',
          baseImageUri: 'nodejs24',
          sourceCode: {
            cloudStorageSource: {
              bucket: 'run-sources-demo-local',
              object: 'services/a/1.tar.gz',
              generation: '17',
            },
          },
        },
        { ...IMAGE, name: 'side' },
      ],
    },
    reason: 'API reference v2, Container: sourceCode, baseImageUri',
  },
  'a base image that instances follow': {
    annotations: { 'run.googleapis.com/base-images': '{"":"nodejs24"}' },
    spec: { runtimeClassName: 'run.googleapis.com/linux-base-image-update' },
    shows: { containers: [{ ...IMAGE, baseImageUri: 'nodejs24' }] },
    reason: 'v2 has no runtime class: the base image says it',
  },
  'a base image that instances do not follow': {
    annotations: { 'run.googleapis.com/base-images': '{"":"nodejs24"}' },
    shows: { containers: [{ ...IMAGE, baseImageUri: 'nodejs24' }] },
    reason: 'a client of v2 that changes something else leaves it so',
  },
  'egress in its older word': {
    annotations: { 'run.googleapis.com/vpc-access-egress': 'all' },
    shows: { vpcAccess: { egress: 'ALL_TRAFFIC' }, containers: [IMAGE] },
    reason: 'API reference v1: deprecated for all-traffic',
  },
  'a bucket and a volume that v2 has no word for': {
    spec: {
      volumes: [
        { name: 'b', csi: { driver: 'gcsfuse.run.googleapis.com', volumeAttributes: { bucketName: 'x' } } },
        { name: 'c', configMap: { name: 'x' } },
      ],
    },
    shows: { containers: [IMAGE], volumes: [{ name: 'b', gcs: { bucket: 'x' } }, { name: 'c' }] },
    reason: 'what v2 cannot say is only named',
  },
  'annotations of the platform': {
    annotations: { 'autoscaling.knative.dev/minScale': '2', 'example.test/a': 'b' },
    shows: { annotations: { 'example.test/a': 'b' }, scaling: { minInstanceCount: 2 }, containers: [IMAGE] },
    reason: 'API reference v2: they have fields of their own',
  },
};

function service({ annotations, spec = {} }: Example) {
  const template = { metadata: { annotations }, spec: { containers: [IMAGE], ...spec } };
  return { apiVersion: 'a', kind: 'Service', metadata: { name: 'a' }, spec: { template } };
}

describe('what v2 shows', () => {
  for (const [name, example] of Object.entries(EXAMPLES)) {
    it(`of ${name}, and writes without a change`, () => {
      const stored = service(example);
      const shown = toMessage(CONVERSIONS.Service, stored, PLACE);
      assert.deepEqual(shown.template, example.shows, example.reason);
      assert.deepEqual(toResource(CONVERSIONS.Service, shown, stored, PLACE), stored);
    });
  }

  const manifests: [Conversion, Record<string, { yaml: string }>][] = [
    [CONVERSIONS.Service, SERVICES],
    [CONVERSIONS.Job, JOBS],
    [CONVERSIONS.WorkerPool, POOLS],
  ];
  for (const [conversion, cases] of manifests) {
    it(`of any ${conversion.message.name} that people write, and writes without a change`, () => {
      for (const [name, { yaml }] of Object.entries(cases)) {
        const stored = parse(yaml) as KubeObject;
        const shown = toMessage(conversion, stored, PLACE);
        assert.deepEqual(toResource(conversion, shown, stored, PLACE), stored, name);
      }
    });
  }

  it('of an only container without a name, which stays the one that is stored', () => {
    const containers = [{ ...IMAGE, name: 'user-container', imagePullPolicy: 'Always' }];
    const stored = service({ spec: { containers }, shows: {}, reason: '' });
    const next = toResource(
      CONVERSIONS.Service,
      { template: { containers: [{ image: 'b' }] } },
      stored,
      PLACE,
    ) as typeof stored;
    assert.deepEqual(next.spec.template.spec.containers, [{ ...containers[0], image: 'b' }]);
  });

  const FOLLOWS = 'run.googleapis.com/linux-base-image-update';
  const runtimeClasses: Record<
    string,
    { before?: string; image: string; baseImageUri?: string; want?: string }
  > = {
    'a base image is given': { image: 'scratch', baseImageUri: 'nodejs24', want: FOLLOWS },
    'another base image is given': {
      before: '{"":"nodejs22"}',
      image: 'scratch',
      baseImageUri: 'nodejs24',
      want: FOLLOWS,
    },
    'the base image is taken away': { before: '{"":"nodejs24"}', image: 'app:1' },
  };
  for (const [name, { before, image, baseImageUri, want }] of Object.entries(runtimeClasses)) {
    it(`of the runtime class nothing, which is ${want ?? 'unset'} once ${name}`, () => {
      const stored = service({
        annotations: before === undefined ? {} : { 'run.googleapis.com/base-images': before },
        spec: before === undefined ? {} : { runtimeClassName: FOLLOWS },
        shows: {},
        reason: '',
      });
      const containers = [{ image, ...(baseImageUri ? { baseImageUri } : {}) }];
      const next = toResource(CONVERSIONS.Service, { template: { containers } }, stored, PLACE);
      const { metadata, spec } = (next as typeof stored).spec.template;
      const images = metadata.annotations?.['run.googleapis.com/base-images'];
      assert.deepEqual(
        [(spec as Fields).runtimeClassName, images],
        [want, baseImageUri === undefined ? undefined : `{"":"${baseImageUri}"}`],
      );
    });
  }

  it('of what a build leaves for the next one, which is to say whether the base image is updated', () => {
    const annotations = { 'run.googleapis.com/build-enable-automatic-updates': 'true' };
    const stored = { ...service({ shows: {}, reason: '' }), metadata: { name: 'a', annotations } };
    const shown = toMessage(CONVERSIONS.Service, stored, PLACE);
    assert.deepEqual(shown.buildConfig, { enableAutomaticUpdates: true });
    const bare = { ...stored, metadata: { name: 'a' } };
    assert.deepEqual(toResource(CONVERSIONS.Service, shown, bare, PLACE), stored);
  });

  it('of a condition: its state, and its reason where v2 has a name for it', () => {
    const conditions = [
      {
        type: 'Ready',
        status: 'False',
        reason: 'HealthCheckContainerError',
        message: 'm',
        lastTransitionTime: '2026-01-01T00:00:00Z',
      },
      { type: 'RoutesReady', status: 'Unknown', reason: 'Deploying', severity: 'Info' },
    ];
    const stored = { ...service({ shows: {}, reason: '' }), status: { conditions } };
    const shown = toMessage(CONVERSIONS.Service, stored, PLACE);
    assert.deepEqual(shown.terminalCondition, {
      type: 'Ready',
      state: 'CONDITION_FAILED',
      message: 'm',
      lastTransitionTime: '2026-01-01T00:00:00Z',
      revisionReason: 'HEALTH_CHECK_CONTAINER_ERROR',
    });
    assert.deepEqual(shown.conditions, [
      { type: 'RoutesReady', state: 'CONDITION_RECONCILING', severity: 'INFO' },
    ]);
  });

  for (const status of ['True', 'False']) {
    it(`of Ready=${status} before the last change, which is no outcome of that`, () => {
      const made = service({ shows: {}, reason: '' });
      const conditions = [{ type: 'Ready', status, message: 'm' }];
      const metadata = { ...made.metadata, generation: 2 };
      const stored = { ...made, metadata, status: { observedGeneration: 1, conditions } };
      const shown = toMessage(CONVERSIONS.Service, stored, PLACE);
      assert.deepEqual(shown.terminalCondition, { type: 'Ready', state: 'CONDITION_RECONCILING' });
      assert.equal(shown.reconciling, true);
    });
  }

  const places: Record<string, string | undefined> = {
    'spec.template.spec.containers[1].env[2].valueFrom.secretKeyRef.key':
      'template.containers[1].env[2].valueSource.secretKeyRef.version',
    'spec.template.metadata.annotations[autoscaling.knative.dev/maxScale]':
      'template.scaling.maxInstanceCount',
    'spec.template.metadata.annotations[run.googleapis.com/cpu-throttling]': 'template.containers',
    'spec.template.spec.runtimeClassName': 'template.containers',
    'metadata.labels[team]': 'labels',
    'spec.traffic[0].revisionName': 'traffic[0].revision',
    'spec.template.spec.containers[0].imagePullPolicy': 'template.containers[0]',
    'metadata.annotations[homerun.dev/run]': undefined,
  };
  for (const [path, name] of Object.entries(places)) {
    it(`of ${path} in ${name ?? 'no field'}`, () => {
      assert.equal(fieldAt(CONVERSIONS.Service, path), name);
    });
  }
});
