import assert from 'node:assert/strict';
import { SERVING } from '../../apis/annotations/serving.ts';
import type { KubeObject } from '../../kube/types.ts';
import { patched, patchOf } from '../testing/patch.ts';
import { API, LENIENT, OPERATOR, objectOf, requestFor, STRICT } from '../testing/requests.ts';
import { admitDefault, admitValidate, type Policy } from './admit.ts';
import type { AdmissionResponse } from './review.ts';

const APP = 'spec: {template: {spec: {containers: [{image: app}]}}}';
const NO_MAXIMUM = 'metadata: {annotations: {run.googleapis.com/maxScale: "0"}}';
const NO_REVISION_MAXIMUM =
  'spec: {template: {metadata: {annotations: {autoscaling.knative.dev/maxScale: "0"}}, spec: {containers: [{image: app}]}}}';

const LIMITS = (cpu: string, memory: string, size: string) => `spec:
  template:
    spec:
      containers: [{image: app, resources: {limits: {cpu: ${cpu}, memory: ${memory}}}}]
      volumes: [{name: scratch, emptyDir: {sizeLimit: ${size}}}]`;

const filled = (object: KubeObject, oldObject?: KubeObject): KubeObject =>
  patched(object, patchOf(admitDefault(requestFor(object, { kind: object.kind, oldObject }), LENIENT)));

interface UpdateCase {
  reason: string;
  /** As it is stored; `filled` has today's defaults. */
  stored: KubeObject;
  sent: string;
  /** Where something is changed of what was sent; without any, it is stored as it was sent. */
  changed: string[];
}

const stored = (yaml: string) => filled(objectOf(yaml));

const UPDATES: Record<string, UpdateCase> = {
  'the object as it is stored': {
    reason: 'from before the webhook: a change of labels is no reason for a new revision',
    stored: objectOf(APP),
    sent: `metadata: {labels: {a: b}}\n${APP}`,
    changed: [],
  },
  'the YAML that made it': {
    reason: 'it is equivalent to the stored value, which is kept',
    stored: stored(APP),
    sent: APP,
    changed: [
      '/spec/template/spec/containers/0/name',
      '/spec/template/spec/containers/0/ports',
      '/spec/template/spec/containers/0/resources',
      '/spec/template/spec/containers/0/startupProbe',
      '/spec/template/spec/containerConcurrency',
      '/spec/template/spec/timeoutSeconds',
      '/spec/template/spec/serviceAccountName',
      '/spec/traffic',
    ],
  },
  'the stored value in the notation of Go clients': {
    reason: 'they read 1000m and send 1 with any change, which must not create a revision',
    stored: stored(LIMITS('1000m', '1024Mi', '100000k')),
    sent: `metadata: {labels: {a: b}}\n${LIMITS("'1'", '1Gi', '100M')}`,
    changed: [
      '/spec/template/spec/containers/0/resources/limits/cpu',
      '/spec/template/spec/containers/0/resources/limits/memory',
      '/spec/template/spec/containers/0/name',
      '/spec/template/spec/containers/0/ports',
      '/spec/template/spec/containers/0/startupProbe',
      '/spec/template/spec/volumes/0/emptyDir/sizeLimit',
      '/spec/template/spec/containerConcurrency',
      '/spec/template/spec/timeoutSeconds',
      '/spec/template/spec/serviceAccountName',
      '/spec/traffic',
    ],
  },
  'more than the stored value, in another notation': {
    reason: 'a change that means something is stored as it is written',
    stored: stored(LIMITS('1000m', '1024Mi', '64Mi')),
    sent: LIMITS("'2'", '1Gi', '64Mi'),
    changed: [
      '/spec/template/spec/containers/0/name',
      '/spec/template/spec/containers/0/ports',
      '/spec/template/spec/containers/0/startupProbe',
      '/spec/template/spec/containerConcurrency',
      '/spec/template/spec/timeoutSeconds',
      '/spec/template/spec/serviceAccountName',
      '/spec/traffic',
    ],
  },
  'the YAML of an object from before a new default': {
    reason: 'an upgrade that knows more defaults makes no revision either',
    stored: objectOf('spec: {template: {spec: {timeoutSeconds: 300, containers: [{image: app}]}}}'),
    sent: APP,
    changed: ['/spec/template/spec/timeoutSeconds'],
  },
  'new traffic for a template from before the webhook': {
    reason: 'the template is not touched for the sake of another part',
    stored: objectOf(APP),
    sent: `${APP.slice(0, -1)}, traffic: [{percent: 100}]}`,
    changed: ['/spec/traffic/0/latestRevision'],
  },
  'a default that is written out': {
    reason: 'whoever writes a value owns it: it is stored as written',
    stored: objectOf(APP),
    sent: 'spec: {template: {spec: {timeoutSeconds: 300, containers: [{image: app}]}}}',
    changed: [
      '/spec/template/spec/containers/0/name',
      '/spec/template/spec/containers/0/ports',
      '/spec/template/spec/containers/0/resources',
      '/spec/template/spec/containers/0/startupProbe',
      '/spec/template/spec/containerConcurrency',
      '/spec/template/spec/serviceAccountName',
    ],
  },
};

describe('admitDefault', () => {
  for (const [name, { reason, stored, sent, changed }] of Object.entries(UPDATES)) {
    it(`${name}: ${reason}`, () => {
      const object = objectOf(sent);
      const steps = patchOf(admitDefault(requestFor(object, { oldObject: stored }), LENIENT));
      const paths = steps.map(({ path }) => path).filter((path) => !path.startsWith('/metadata'));
      assert.deepEqual(paths, changed);
      const now = patched(object, steps);
      assert.deepEqual(patchOf(admitDefault(requestFor(now, { oldObject: stored }), LENIENT)), [], 'once');
    });
  }

  it('takes whole numbers out of quotes, as gcloud reads them', () => {
    const written = `spec:
      template:
        spec:
          containerConcurrency: "1"
          timeoutSeconds: "1500"
          containers: [{image: app, ports: [{containerPort: "5002"}], livenessProbe: {httpGet: {port: 80}, periodSeconds: "9"}}]
      traffic: [{percent: "100", latestRevision: true}]`;
    const { spec } = stored(written) as KubeObject & { spec: Record<string, never> };
    const { template, traffic } = JSON.parse(JSON.stringify(spec));
    assert.deepEqual([template.spec.containerConcurrency, template.spec.timeoutSeconds], [1, 1500]);
    assert.equal(template.spec.containers[0].ports[0].containerPort, 5002);
    assert.equal(template.spec.containers[0].livenessProbe.periodSeconds, 9);
    assert.equal(traffic[0].percent, 100);
  });

  it('validates a quoted number as a number', () => {
    const object = objectOf('spec: {template: {spec: {timeoutSeconds: "4000", containers: [{image: app}]}}}');
    assert.match(
      admitDefault(requestFor(object), LENIENT).status?.message ?? '',
      /timeoutSeconds: is 4000; /,
    );
    const late = admitValidate(requestFor(object), LENIENT).status?.message ?? '';
    assert.match(late, /is "4000"; .* without quotes$/, 'where the first half has not been asked');
  });

  it('makes no revision of a number that is put into quotes', () => {
    const old = stored(`spec: {template: {spec: {timeoutSeconds: 5, containers: [{image: app}]}}}`);
    const now = filled(
      objectOf(`spec: {template: {spec: {timeoutSeconds: "5", containers: [{image: app}]}}}`),
      old,
    );
    assert.deepEqual(now.metadata, { ...old.metadata });
    assert.deepEqual(now, old);
  });

  it('gives a field that is taken out its default again', () => {
    const old = stored('spec: {template: {spec: {timeoutSeconds: 5, containers: [{image: app}]}}}');
    const { spec } = filled(objectOf(APP), old) as KubeObject & {
      spec: { template: { spec: { timeoutSeconds: number } } };
    };
    assert.equal(spec.template.spec.timeoutSeconds, 300);
  });

  it("leaves the operator's own objects as they are", () => {
    const object = objectOf(APP, 'Configuration');
    const answer = admitDefault(requestFor(object, { kind: 'Configuration', user: OPERATOR }), LENIENT);
    assert.deepEqual(answer, { uid: 'review-1', allowed: true });
  });

  it("validates the operator's own objects by all rules that have always held", () => {
    const object = objectOf(NO_REVISION_MAXIMUM.replace('"0"', 'many'), 'Configuration');
    const answer = admitValidate(requestFor(object, { kind: 'Configuration', user: OPERATOR }), LENIENT);
    assert.deepEqual(fieldsOf(answer), [
      'spec.template.metadata.annotations[autoscaling.knative.dev/maxScale]',
    ]);
  });

  it('does not trust a deletionTimestamp that a client makes up', () => {
    const annotations = { [SERVING.creator]: 'mallory' };
    const object = objectOf(APP);
    const sent = { ...object, metadata: { ...object.metadata, annotations, deletionTimestamp: 'now' } };
    assert.equal(filled(sent).metadata.annotations?.[SERVING.creator], 'jane');
  });

  const creators: Record<string, { user: string; sent?: string; creator: string }> = {
    'the person for whom the Admin API makes it': { user: API, sent: 'ada', creator: 'ada' },
    'the Admin API when it names nobody': { user: API, creator: API },
    'the user, whatever the user sends': { user: 'mallory', sent: 'ada', creator: 'mallory' },
  };
  for (const [name, { user, sent, creator }] of Object.entries(creators)) {
    it(`names as the creator of an object ${name}`, () => {
      const object = objectOf(APP);
      const annotations = sent ? { [SERVING.creator]: sent, [SERVING.lastModifier]: 'eve' } : {};
      const made = { ...object, metadata: { ...object.metadata, annotations } };
      const steps = patchOf(admitDefault(requestFor(made, { user }), LENIENT));
      const written = patched(made, steps).metadata.annotations ?? {};
      assert.deepEqual([written[SERVING.creator], written[SERVING.lastModifier]], [creator, creator]);
    });
  }

  it('fills in a Revision once, when it is made', () => {
    const object = objectOf('spec: {containers: [{image: app, name: a}]}', 'Revision');
    assert.notDeepEqual(filled(object), object);
    assert.deepEqual(filled(object, object), object);
  });

  it('says nothing about other kinds and other verbs', () => {
    for (const change of [
      { operation: 'DELETE' },
      { kind: { group: 'apps', version: 'v1', kind: 'Service' } },
    ]) {
      const request = { ...requestFor({ spec: 1 }), ...change };
      assert.deepEqual(admitDefault(request, LENIENT), { uid: 'review-1', allowed: true });
      assert.deepEqual(admitValidate(request, LENIENT), { uid: 'review-1', allowed: true });
    }
  });
});

interface ReviewCase {
  reason: string;
  policy?: Policy;
  kind?: string;
  user?: string;
  object: string;
  stored?: string;
  /** Fields that the rejection names; without any, the object is admitted. */
  rejected?: string[];
  warnings?: RegExp[];
}

const REVIEWS: Record<string, ReviewCase> = {
  'a service as people write it': { reason: 'there is no warning', object: APP },
  'errors of schema, rules and names': {
    reason: 'all in one response',
    object: `
      metadata: {name: Hello}
      spec:
        template: {spec: {timeoutSeconds: soon, containerConcurrency: 2000, containers: [{image: a, args: x}, {name: b}]}}
        traffic: [{percent: 1, tag: '-'}]`,
    rejected: [
      'spec.template.spec.containers[0].args',
      'spec.template.spec.containers[1].image',
      'spec.template.spec.containerConcurrency',
      'spec.template.spec.timeoutSeconds',
      'spec.traffic[0].tag',
    ],
  },
  'a percent that cannot be read': {
    reason: 'the sum is unknown and not reported',
    object: `${APP.slice(0, -1)}, traffic: [{percent: half, latestRevision: true}]}`,
    rejected: ['spec.traffic[0].percent'],
  },
  'no spec': { reason: 'the field is named', object: 'metadata: {}', rejected: ['spec'] },
  'a field that only Knative allows': {
    reason: 'accepted with a warning',
    object: 'spec: {template: {spec: {enableServiceLinks: false, containers: [{image: app}]}}}',
    warnings: [/^spec\.template\.spec\.enableServiceLinks: .*not supported by Cloud Run$/],
  },
  'a field that only Knative allows, in strict mode': {
    reason: 'rejected',
    policy: STRICT,
    object: 'spec: {template: {spec: {enableServiceLinks: false, containers: [{image: app}]}}}',
    rejected: ['spec.template.spec.enableServiceLinks'],
  },
  'a field that only Knative allows, from the operator in strict mode': {
    reason: 'its objects derive from admitted ones',
    policy: STRICT,
    user: OPERATOR,
    kind: 'Configuration',
    object: 'spec: {template: {spec: {enableServiceLinks: false, containers: [{image: app}]}}}',
  },
  'annotations named like properties of Object.prototype': {
    reason: 'they are keys like others',
    object: `metadata: {annotations: {run.googleapis.com/constructor: a, homerun.dev/toString: b, valueOf: c}}\n${APP}`,
    warnings: [
      /constructor\]: is not known to Cloud Run and has no effect$/,
      /toString\]: is not known to Homerun and has no effect/,
    ],
  },
  'a wrong annotation of such a name that is new': {
    reason: 'inherited properties of the stored object do not count',
    stored: `metadata: {annotations: {}}\n${APP}`,
    policy: STRICT,
    object: `metadata: {annotations: {run.googleapis.com/constructor: a}}\n${APP}`,
    rejected: ['metadata.annotations[run.googleapis.com/constructor]'],
  },
  'a list with more items than may be': {
    reason: 'its items are not validated',
    object: `spec: {template: {spec: {containers: [{image: app, envFrom: [${Array(51).fill('{}').join()}]}]}}}`,
    rejected: ['spec.template.spec.containers[0].envFrom'],
  },
  'a feature of Google’s cloud': {
    reason: 'the warning says what happens instead',
    object:
      'spec: {template: {metadata: {annotations: {run.googleapis.com/encryption-key: projects/p/locations/l/keyRings/r/cryptoKeys/k}}, spec: {containers: [{image: app}]}}}',
    warnings: [/encryption-key\]: has no effect in a cluster: .*the key is not used/],
  },
  'a feature that is switched off': {
    reason: 'nothing is asked for, so nothing is missing',
    object: `metadata: {annotations: {run.googleapis.com/iap-enabled: 'False', run.googleapis.com/ingress: all}}\n${APP}`,
  },
  'a bucket': {
    reason: 'the driver that must be there is named',
    object: `spec: {template: {spec: {containers: [{image: app, volumeMounts: [{name: b, mountPath: /b}]}], volumes: [{name: b, csi: {driver: gcsfuse.run.googleapis.com, volumeAttributes: {bucketName: b}}}]}}}`,
    warnings: [/volumes\[0\]\.csi\.driver: needs the CSI driver gcsfuse\.csi\.storage\.gke\.io/],
  },
  'a label on an object that breaks a newer rule': {
    reason: 'the error is only a warning',
    stored: 'spec: {template: {spec: {timeoutSeconds: 4000, containers: [{image: app}]}}}',
    object:
      'metadata: {labels: {a: b}}\nspec: {template: {spec: {timeoutSeconds: 4000, containers: [{image: app}]}}}',
    warnings: [/timeoutSeconds: is 4000/],
  },
  'another change of a template that breaks a newer rule': {
    reason: 'it would create an invalid revision',
    stored: 'spec: {template: {spec: {timeoutSeconds: 4000, containers: [{image: app}]}}}',
    object: 'spec: {template: {spec: {timeoutSeconds: 4000, containers: [{image: other}]}}}',
    rejected: ['spec.template.spec.timeoutSeconds'],
  },
  'an annotation that was wrong before': {
    reason: 'each annotation is looked at by itself',
    stored: `metadata: {annotations: {run.googleapis.com/minScale: few}}\n${APP}`,
    object: `metadata: {annotations: {run.googleapis.com/minScale: few, run.googleapis.com/maxScale: many}}\n${APP}`,
    rejected: ['metadata.annotations[run.googleapis.com/maxScale]'],
  },
  'a maximum of 0 that was allowed before': {
    reason: 'other changes of the service go on',
    stored: `${NO_MAXIMUM}\n${APP}`,
    object: `metadata: {labels: {a: b}, annotations: {run.googleapis.com/maxScale: "0"}}\n${APP}`,
    warnings: [/maxScale\]: is "0"; it must be a whole number from 1 to 2147483647$/],
  },
  'a new maximum of 0': {
    reason: 'it is refused in both places',
    object: `${NO_MAXIMUM}\n${NO_REVISION_MAXIMUM}`,
    rejected: [
      'metadata.annotations[run.googleapis.com/maxScale]',
      'spec.template.metadata.annotations[autoscaling.knative.dev/maxScale]',
    ],
  },
  'a maximum of 0 from the operator': {
    reason: 'its service may have been admitted when 0 was allowed',
    user: OPERATOR,
    policy: STRICT,
    kind: 'Configuration',
    object: NO_REVISION_MAXIMUM,
  },
  'a change of a revision': {
    reason: 'it is immutable',
    kind: 'Revision',
    stored: 'spec: {containers: [{name: a, image: app}]}',
    object: 'spec: {containers: [{name: a, image: other}]}',
    rejected: ['spec'],
  },
};

describe('admission', () => {
  for (const [name, one] of Object.entries(REVIEWS)) {
    const { reason, policy = LENIENT, kind = 'Service', user, rejected = [], warnings = [] } = one;
    const verb = rejected.length > 0 ? 'rejects' : warnings.length > 0 ? 'warns of' : 'admits';
    it(`${verb} ${name}: ${reason}`, () => {
      const oldObject = one.stored && objectOf(one.stored, kind);
      const request = requestFor(objectOf(one.object, kind), { kind, user, oldObject });
      const answers = [admitDefault(request, policy), admitValidate(request, policy)];
      for (const answer of answers) {
        assert.equal(answer.uid, 'review-1');
        assert.deepEqual(
          fieldsOf(answer).filter((field) => field !== 'metadata.name'),
          rejected,
        );
      }
      const said = answers[1]?.warnings ?? [];
      assert.equal(said.length, warnings.length, said.join('\n'));
      for (const [i, warning] of warnings.entries()) assert.match(said[i] ?? '', warning);
    });
  }

  it('rejects values outside the schema also where Cloud Run allows even less', () => {
    const probe = (periodSeconds: number) =>
      `spec: {template: {spec: {containers: [{image: app, startupProbe: {periodSeconds: ${periodSeconds}}}]}}}`;
    const admitted = (seconds: number) =>
      admitValidate(requestFor(objectOf(probe(seconds)), { kind: 'Service' }), LENIENT);
    assert.match(admitted(241).warnings?.[0] ?? '', /periodSeconds: is 241; .* from 0 to 240$/);
    assert.match(admitted(3601).status?.message ?? '', /periodSeconds: is 3601; .* from 0 to 3600$/);
  });

  it('calls an object that has no name yet by the stem of its name', () => {
    const metadata = { namespace: 'demo', generateName: 'load-' };
    const request = requestFor({ ...objectOf(APP, 'Execution'), metadata }, { kind: 'Execution' });
    assert.equal(admitDefault(request, LENIENT).status?.details?.name, 'load-');
  });

  it('lists fifty errors and the number of those left out', () => {
    const env = Array.from({ length: 80 }, (_, i) => ({ name: `A=${i}`, value: 'x' }));
    const object = objectOf(APP) as KubeObject & { spec: { template: { spec: object } } };
    object.spec.template.spec = { containers: [{ image: 'app', env }] };
    const { status } = admitValidate(requestFor(object), LENIENT);
    assert.equal(status?.details?.causes.length, 51);
    assert.deepEqual(status?.details?.causes.at(-1)?.message, 'and 30 more');
    assert.match(status?.message ?? '', /env\[49\]\.name: is "A=49"; [^;]*; and 30 more$/);
  });

  it('limits warnings to what an API server passes on', () => {
    const annotations = Object.fromEntries(
      Array.from({ length: 30 }, (_, i) => [`run.googleapis.com/${i}${'x'.repeat(300)}`, 'y']),
    );
    const object = objectOf(APP);
    const request = requestFor({ ...object, metadata: { ...object.metadata, annotations } });
    const { warnings = [] } = admitValidate(request, LENIENT);
    assert.equal(warnings.length, 16);
    assert.ok(warnings.every((line) => line.length <= 256));
    assert.equal(warnings.at(-1), 'and 15 more warnings');
  });
});

function fieldsOf({ allowed, status }: AdmissionResponse): string[] {
  const fields = status?.details?.causes.map(({ field }) => field) ?? [];
  assert.equal(allowed, fields.length === 0);
  for (const field of fields) assert.ok(status?.message.includes(`${field}: `), 'the message names it too');
  return fields;
}
