import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parse } from 'yaml';
import type { Fault } from '../../fault.ts';
import { defaultService } from './defaults.ts';
import type { Service } from './types.ts';
import { validateService } from './validation.ts';

interface Row {
  /** What is added to the smallest valid service, by path. */
  metadata?: string;
  template?: string;
  spec?: string;
  container?: string;
  more?: string;
  traffic?: string;
  /** Path below what each fault begins with: `path: message`, as regular expression; none means accepted. */
  faults?: [path: string, message: RegExp][];
  strict?: true;
  reason: string;
}

function service(row: Row): Service {
  const container = { image: 'gcr.io/p/app', ...parse(row.container ?? '{}') };
  const template = {
    ...(row.template ? { metadata: parse(row.template) } : {}),
    spec: { ...parse(row.spec ?? '{}'), containers: [container, ...parse(row.more ?? '[]')] },
  };
  return {
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Service',
    metadata: { name: 'hello', namespace: 'demo', ...parse(row.metadata ?? '{}') },
    spec: { template, ...(row.traffic ? { traffic: parse(row.traffic) } : {}) },
  } as Service;
}

const C = 'spec.template.spec.containers[0]';
const S = 'spec.template.spec';
const A = 'spec.template.metadata.annotations';

const ROWS: Record<string, Row> = {
  'the smallest service': { reason: 'an image is enough' },

  // Names
  'a name of 49 characters': {
    metadata: `{name: ${'a'.repeat(49)}}`,
    reason: 'the longest that Cloud Run takes',
  },
  'a name of 50 characters': {
    metadata: `{name: ${'a'.repeat(50)}}`,
    faults: [['metadata.name', /50 characters; it must have 1 to 49/]],
    reason: 'one too many',
  },
  'a name that starts with a digit': {
    metadata: '{name: 1st}',
    faults: [['metadata.name', /starting with a letter/]],
    reason: 'host names of old',
  },
  'a revision name': { template: '{name: hello-green}', reason: 'as --revision-suffix makes it' },
  'a revision name of another service': {
    template: '{name: bye-green}',
    faults: [['spec.template.metadata.name', /is "bye-green"; it must start with "hello-"/]],
    reason: 'it would take a name from others',
  },

  // Images
  'an image that does not parse': {
    container: '{image: gcr.io/PROJECT/app}',
    faults: [[`${C}.image`, /image "gcr.io\/PROJECT\/app" does not parse/]],
    reason: 'a placeholder left as it was',
  },

  // Containers
  'a sidecar without a port': {
    container: '{ports: [{containerPort: 8080}]}',
    more: '[{image: b, name: b}]',
    reason: 'one ingress container, one sidecar',
  },
  'two containers without ports': {
    more: '[{image: b}]',
    faults: [[`${S}.containers`, /several containers and none with ports/]],
    reason: 'nobody knows where requests go',
  },
  'two containers with ports': {
    container: '{ports: [{containerPort: 1}]}',
    more: '[{image: b, ports: [{containerPort: 2}]}]',
    faults: [[`${S}.containers`, /ports in containers 0, 1; exactly one/]],
    reason: 'nobody knows where requests go',
  },
  'two containers of one name': {
    container: '{name: a, ports: [{containerPort: 1}]}',
    more: '[{image: b, name: a}]',
    faults: [[`${S}.containers[1].name`, /is "a", the name of another container/]],
    reason: 'names tell containers apart',
  },
  'eleven containers': {
    container: '{ports: [{containerPort: 1}]}',
    more: JSON.stringify(Array.from({ length: 10 }, () => ({ image: 'b' }))),
    faults: [[`${S}.containers`, /has 11 containers; it may have 10/]],
    strict: true,
    reason: 'Knative sets no such limit',
  },

  // Environment
  'a variable named PORT': {
    container: '{env: [{name: PORT, value: "1"}]}',
    faults: [[`${C}.env[0].name`, /is "PORT", which the platform sets/]],
    reason: 'the container would listen where nobody asks',
  },
  'a variable named PORT in a sidecar': {
    container: '{ports: [{containerPort: 8080}]}',
    more: '[{image: b, env: [{name: PORT, value: "1"}]}]',
    reason: 'PORT is set in the ingress container only',
  },
  'a variable named K_SERVICE': {
    container: '{env: [{name: K_SERVICE, value: x}]}',
    faults: [[`${C}.env[0].name`, /which the platform sets/]],
    reason: 'reserved',
  },
  'a variable named CLOUD_RUN_JOB': {
    container: '{env: [{name: CLOUD_RUN_JOB, value: x}]}',
    faults: [[`${C}.env[0].name`, /which the platform sets/]],
    strict: true,
    reason: 'a program may take it for a sign that it is a job; Knative does not mind',
  },
  'a variable with value and source': {
    container: '{env: [{name: A, value: x, valueFrom: {secretKeyRef: {name: s, key: latest}}}]}',
    faults: [[`${C}.env[0].valueFrom`, /together with value/]],
    reason: 'only one can count',
  },
  'a variable from a secret': {
    container: '{env: [{name: A, valueFrom: {secretKeyRef: {name: s, key: latest}}}]}',
    reason: 'as gcloud writes it',
  },
  'a variable from a ConfigMap': {
    container: '{env: [{name: A, valueFrom: {configMapKeyRef: {name: c, key: k}}}]}',
    faults: [[`${C}.env[0].valueFrom.configMapKeyRef`, /not supported by Cloud Run/]],
    strict: true,
    reason: "Knative's own",
  },
  'a variable twice': {
    container: '{env: [{name: A, value: x}, {name: A, value: y}]}',
    reason: 'the last one counts',
  },
  'a value of 32769 bytes': {
    container: `{env: [{name: A, value: ${'x'.repeat(32_769)}}]}`,
    faults: [[`${C}.env[0].value`, /32769 bytes; it may have 32768/]],
    reason: 'one byte too many',
  },

  // Resources
  '4 CPU and 2Gi': {
    container: '{resources: {limits: {cpu: 4, memory: 2Gi}}}',
    reason: 'the least memory for 4 CPU',
  },
  '4 CPU and 1Gi': {
    container: '{resources: {limits: {cpu: 4, memory: 1Gi}}}',
    faults: [
      [`${C}.resources.limits[memory]`, /is 1Gi; with 4 CPU it must be at least 2Gi and at most 16Gi/],
    ],
    strict: true,
    reason: 'Cloud Run ties memory to CPU',
  },
  '1 CPU and 8Gi': {
    container: '{resources: {limits: {cpu: "1", memory: 8Gi}}}',
    faults: [[`${C}.resources.limits[memory]`, /is 8Gi; with 1 CPU it must be at most 4Gi/]],
    strict: true,
    reason: 'Cloud Run ties memory to CPU',
  },
  '3 CPU': {
    container: '{resources: {limits: {cpu: 3000m}}}',
    faults: [[`${C}.resources.limits[cpu]`, /is 3000m; it must be 1, 2, 4, 6, 8 or less than 1/]],
    strict: true,
    reason: 'Cloud Run has steps',
  },
  'half a CPU for ten requests at once': {
    spec: '{containerConcurrency: 10}',
    container: '{resources: {limits: {cpu: 500m}}}',
    faults: [[`${S}.containerConcurrency`, /is 10; with less than one CPU it must be 1/]],
    strict: true,
    reason: 'Cloud Run ties concurrency to CPU',
  },
  'a GPU without enough beside it': {
    container: '{resources: {limits: {cpu: 2, memory: 4Gi, nvidia.com/gpu: "1"}}}',
    faults: [[`${C}.resources.limits[nvidia.com/gpu]`, /needs at least 4 CPU and 8Gi/]],
    strict: true,
    reason: 'gcloud says so',
  },
  'a GPU with enough beside it': {
    spec: '{nodeSelector: {run.googleapis.com/accelerator: nvidia-l4}}',
    container: '{resources: {limits: {cpu: 8, memory: 32Gi, nvidia.com/gpu: "1"}}}',
    reason: 'as real manifests have it',
  },
  'a memory limit that is no quantity': {
    container: '{resources: {limits: {memory: lots}}}',
    faults: [[`${C}.resources.limits[memory]`, /is "lots"; it must be a quantity/]],
    reason: 'nobody knows how much it is',
  },
  'a request above the limit': {
    container: '{resources: {limits: {memory: 1Gi}, requests: {memory: 2Gi}}}',
    faults: [[`${C}.resources.requests[memory]`, /is 2Gi; it must be at most the limit, 1Gi/]],
    reason: 'no cluster runs such a pod',
  },

  // Probes
  'a startup probe without a handler': {
    container: '{startupProbe: {failureThreshold: 3}}',
    reason: 'TCP is the default',
  },
  'a liveness probe without a handler': {
    container: '{livenessProbe: {periodSeconds: 5}}',
    faults: [[`${C}.livenessProbe`, /needs one of httpGet, tcpSocket, grpc, exec/]],
    reason: 'there is no default',
  },
  'a probe with two handlers': {
    container: '{livenessProbe: {httpGet: {}, grpc: {}}}',
    faults: [[`${C}.livenessProbe`, /has httpGet and grpc; only one/]],
    reason: 'only one can count',
  },
  'a probe by command': {
    container: '{livenessProbe: {exec: {command: [x]}}}',
    faults: [[`${C}.livenessProbe.exec`, /not supported by Cloud Run/]],
    strict: true,
    reason: "Knative's own",
  },
  'a readiness probe': {
    container: '{readinessProbe: {httpGet: {path: /ready}}}',
    faults: [[`${C}.readinessProbe`, /not supported by Cloud Run/]],
    strict: true,
    reason: "Knative's own",
  },
  'a timeout longer than the period': {
    container: '{livenessProbe: {httpGet: {}, timeoutSeconds: 11}}',
    faults: [[`${C}.livenessProbe.timeoutSeconds`, /is 11; it must be at most periodSeconds, 10/]],
    strict: true,
    reason: 'the next probe would begin before this one ends',
  },
  'a startup probe that begins after five minutes': {
    container: '{startupProbe: {httpGet: {}, initialDelaySeconds: 300}}',
    faults: [[`${C}.startupProbe.initialDelaySeconds`, /is 300; it must be a whole number from 0 to 240/]],
    strict: true,
    reason: 'a container has four minutes',
  },
  'a liveness probe that needs two successes': {
    container: '{livenessProbe: {httpGet: {}, successThreshold: 2}}',
    faults: [[`${C}.livenessProbe.successThreshold`, /is 2; it must be a whole number from 0 to 1/]],
    reason: 'no cluster runs such a pod',
  },
  'a probe of a sidecar without a port': {
    container: '{ports: [{containerPort: 8080}]}',
    more: '[{image: b, livenessProbe: {httpGet: {path: /}}}]',
    faults: [[`${S}.containers[1].livenessProbe.httpGet.port`, /must be set/]],
    reason: 'a sidecar has no port of its own',
  },
  'a probe of a port by a wrong name': {
    container: '{livenessProbe: {httpGet: {port: web}}}',
    faults: [[`${C}.livenessProbe.httpGet.port`, /is "web"; it must be a number from 1 to 65535, or http1/]],
    reason: 'the container has no such port',
  },

  // Volumes
  'a secret as files': {
    spec: '{volumes: [{name: v, secret: {secretName: s, items: [{key: latest, path: a/b}]}}]}',
    container: '{volumeMounts: [{name: v, mountPath: /secrets}]}',
    reason: 'as gcloud writes it',
  },
  'a mount of no volume': {
    container: '{volumeMounts: [{name: v, mountPath: /x}]}',
    faults: [[`${C}.volumeMounts[0].name`, /is "v"; there is no such volume/]],
    reason: 'a typing mistake, most likely',
  },
  'two mounts in one place': {
    spec: '{volumes: [{name: v, emptyDir: {}}, {name: w, emptyDir: {}}]}',
    container: '{volumeMounts: [{name: v, mountPath: /x}, {name: w, mountPath: /x/}]}',
    faults: [[`${C}.volumeMounts[1].mountPath`, /is "\/x", where another volume is mounted/]],
    reason: 'one would hide the other',
  },
  'a mount in place of everything': {
    spec: '{volumes: [{name: v, emptyDir: {}}]}',
    container: '{volumeMounts: [{name: v, mountPath: /}]}',
    faults: [[`${C}.volumeMounts[0].mountPath`, /other than \//]],
    reason: 'the program would be hidden',
  },
  'a file outside of its volume': {
    spec: '{volumes: [{name: v, secret: {secretName: s, items: [{key: k, path: ../etc/passwd}]}}]}',
    faults: [[`${S}.volumes[0].secret.items[0].path`, /below the volume/]],
    reason: 'it would reach into the host',
  },
  'a volume of two kinds': {
    spec: '{volumes: [{name: v, emptyDir: {}, nfs: {server: h, path: /x}}]}',
    faults: [[`${S}.volumes[0]`, /has emptyDir and nfs; it must have exactly one/]],
    reason: 'only one can count',
  },
  'a volume of no kind': {
    spec: '{volumes: [{name: v}]}',
    faults: [[`${S}.volumes[0]`, /has no source/]],
    reason: 'there is nothing to mount',
  },
  'a bucket': {
    spec: '{volumes: [{name: v, csi: {driver: gcsfuse.run.googleapis.com, volumeAttributes: {bucketName: b}}}]}',
    reason: 'as gcloud writes it',
  },
  'a bucket without a name': {
    spec: '{volumes: [{name: v, csi: {driver: gcsfuse.run.googleapis.com}}]}',
    faults: [[`${S}.volumes[0].csi.volumeAttributes.bucketName`, /must be set/]],
    reason: 'there is nothing to mount',
  },
  'a ConfigMap as files': {
    spec: '{volumes: [{name: v, configMap: {name: c}}]}',
    faults: [[`${S}.volumes[0].configMap`, /not supported by Cloud Run/]],
    strict: true,
    reason: "Knative's own",
  },
  'scratch space of no size': {
    spec: '{volumes: [{name: v, emptyDir: {sizeLimit: 0}}]}',
    faults: [[`${S}.volumes[0].emptyDir.sizeLimit`, /is 0; it must be a quantity above 0/]],
    reason: 'nothing could be written',
  },

  // Start order
  'containers that wait for each other': {
    template: `{annotations: {run.googleapis.com/container-dependencies: '{"a":["b"],"b":["a"]}'}}`,
    container: '{name: a, ports: [{containerPort: 1}]}',
    more: '[{image: b, name: b}]',
    faults: [[`${A}[run.googleapis.com/container-dependencies]`, /has a cycle: a waits for b waits for a/]],
    reason: 'neither would ever start',
  },
  'a container that waits for nobody there': {
    template: `{annotations: {run.googleapis.com/container-dependencies: '{"a":["c"]}'}}`,
    container: '{name: a}',
    faults: [[`${A}[run.googleapis.com/container-dependencies]`, /names "c"; there is no such container/]],
    reason: 'a typing mistake, most likely',
  },

  // The rest of the spec
  'a service account by e-mail address': {
    spec: '{serviceAccountName: me@p.iam.gserviceaccount.com}',
    reason: "Cloud Run's way",
  },
  'a service account with a placeholder': {
    spec: '{serviceAccountName: me@PROJECT_ID.iam.gserviceaccount.com}',
    faults: [[`${S}.serviceAccountName`, /it must be the name of a service account, or its e-mail address/]],
    reason: 'nobody has that address',
  },
  "a person's e-mail address as service account": {
    spec: '{serviceAccountName: me@example.com}',
    faults: [
      [`${S}.serviceAccountName`, /is "me@example.com"; it must be .* ends with .gserviceaccount.com/],
    ],
    reason: 'an identity of a person is none of a program; Knative refuses it too',
  },
  'an hour and a second for a request': {
    spec: '{timeoutSeconds: 3601}',
    faults: [[`${S}.timeoutSeconds`, /is 3601; it must be a whole number from 0 to 3600/]],
    reason: 'one second too many',
  },
  tolerations: {
    spec: '{tolerations: [{operator: Exists}]}',
    faults: [[`${S}.tolerations`, /not supported by Cloud Run/]],
    strict: true,
    reason: "Knative's own",
  },
  'a privileged container': {
    container: '{securityContext: {privileged: true}}',
    faults: [
      [`${C}.securityContext`, /not supported by Cloud Run/],
      [`${C}.securityContext.privileged`, /privileged containers are not supported/],
    ],
    reason: 'container contract, Privileged containers',
  },

  // Traffic
  'traffic with a tag of no share': {
    traffic: '[{percent: 100}, {revisionName: hello-1, tag: old}]',
    reason: 'as gcloud writes it',
  },
  'traffic that sums to 90': {
    traffic: '[{percent: 50}, {percent: 40, revisionName: hello-1}]',
    faults: [['spec.traffic', /sum to 90; they must sum to 100/]],
    reason: 'nobody knows where the rest goes',
  },
  'a share of 101': {
    traffic: '[{percent: 101}, {percent: -1, revisionName: hello-1}]',
    faults: [
      ['spec.traffic[0].percent', /is 101; it must be a whole number from 0 to 100/],
      ['spec.traffic[1].percent', /is -1/],
    ],
    reason: 'the sum alone is not enough',
  },
  'a target that is named and the latest': {
    traffic: '[{percent: 100, revisionName: hello-1, latestRevision: true}]',
    faults: [
      ['spec.traffic[0].latestRevision', /is true; it must be false or unset, as revisionName is "hello-1"/],
    ],
    reason: 'it contradicts itself',
  },
  'a target that is neither named nor the latest': {
    traffic: '[{percent: 100, latestRevision: false}]',
    faults: [['spec.traffic[0].latestRevision', /is false; it must be true or unset/]],
    reason: 'it contradicts itself',
  },
  'a tag twice': {
    traffic: '[{percent: 100, tag: a}, {revisionName: hello-1, tag: a}]',
    faults: [['spec.traffic[1].tag', /is "a", the tag of another target/]],
    reason: 'one URL cannot go to two revisions',
  },
  'a tag that is no DNS label': {
    traffic: '[{percent: 100, tag: V_1}]',
    faults: [['spec.traffic[0].tag', /is "V_1"; it must be a DNS label/]],
    reason: 'it becomes part of a host name',
  },
  'a tag that is too long beside the name': {
    traffic: `[{percent: 100, tag: ${'t'.repeat(56)}}]`,
    faults: [['spec.traffic[0].tag', /makes 64 characters, and a label of a host name has at most 63/]],
    reason: 'one character too many',
  },
};

const shown = ({ path, message }: Fault) => `${path}: ${message}`;

describe('validation of a service', () => {
  for (const [name, row] of Object.entries(ROWS)) {
    const { faults: expected = [], strict = false, reason } = row;
    const verb = expected.length === 0 ? 'accepts' : strict ? 'in strict mode refuses' : 'refuses';
    it(`${verb} ${name}: ${reason}`, () => {
      const faults = validateService(service(row));
      assert.deepEqual(
        faults.map(({ path }) => path),
        expected.map(([path]) => path),
        faults.map(shown).join('\n'),
      );
      for (const [i, [, message]] of expected.entries()) assert.match(faults[i]?.message ?? '', message);
      assert.equal(
        faults.every((fault) => fault.strict),
        faults.length === 0 || strict,
      );
    });
  }

  it('judges a service with its defaults filled in no differently', () => {
    for (const [name, row] of Object.entries(ROWS)) {
      const given = service(row);
      assert.deepEqual(
        validateService(defaultService(given)).map(shown),
        validateService(given).map(shown),
        name,
      );
    }
  });

  it('tells all faults in one answer', () => {
    const faults = validateService(
      service({
        container: '{image: "", env: [{name: PORT}], ports: [{containerPort: 70000}]}',
        spec: '{timeoutSeconds: -1, containerConcurrency: 1001}',
        traffic: '[{percent: 1, tag: A}]',
        reason: '',
      }),
    );
    const paths = ['image', 'ports[0].containerPort', 'env[0].name'].map((field) => `${C}.${field}`);
    assert.deepEqual(
      faults.map(({ path }) => path),
      [...paths, `${S}.containerConcurrency`, `${S}.timeoutSeconds`, 'spec.traffic[0].tag', 'spec.traffic'],
    );
  });

  describe('of a change', () => {
    const before = service({ template: '{name: hello-a}', reason: '' });

    it('refuses another template under the same name of a revision', () => {
      const after = service({ template: '{name: hello-a}', container: '{image: other}', reason: '' });
      const [fault] = validateService(after, before);
      assert.equal(fault?.path, 'spec.template.metadata.name');
      assert.match(fault?.message ?? '', /is "hello-a", the name of the revision before/);
    });

    it('accepts the same template, with or without its defaults', () => {
      assert.deepEqual(validateService(structuredClone(before), before), []);
      assert.deepEqual(validateService(before, defaultService(before)), []);
    });

    it('accepts another template under another name or none', () => {
      const named = service({ template: '{name: hello-b}', container: '{image: other}', reason: '' });
      assert.deepEqual(validateService(named, before), []);
      assert.deepEqual(validateService(service({ container: '{image: other}', reason: '' }), before), []);
    });
  });

  it('never throws, whatever the texts and numbers are', () => {
    const text = fc.oneof(
      fc.string({ maxLength: 20 }),
      fc.constantFrom('a', '1', 'hello-a', '{a: [b]}', '500m'),
    );
    const number = fc.oneof(fc.integer(), fc.double(), fc.constantFrom(0, 1, 80, 100));
    const map = fc.dictionary(fc.oneof(text, fc.constantFrom('cpu', 'memory')), text);
    const container = fc.record(
      {
        name: text,
        image: text,
        env: fc.array(fc.record({ name: text, value: text })),
        ports: fc.array(fc.record({ containerPort: number, name: text }, { requiredKeys: [] })),
        resources: fc.record({ limits: map, requests: map }, { requiredKeys: [] }),
        volumeMounts: fc.array(fc.record({ name: text, mountPath: text })),
        livenessProbe: fc.record(
          { httpGet: fc.record({ port: fc.oneof(text, number) }), periodSeconds: number },
          { requiredKeys: [] },
        ),
      },
      { requiredKeys: ['image'] },
    );
    const target = fc.record(
      { percent: number, tag: text, revisionName: text, latestRevision: fc.boolean() },
      { requiredKeys: [] },
    );
    const any = fc.record({
      apiVersion: fc.constant('serving.knative.dev/v1'),
      kind: fc.constant('Service'),
      metadata: fc.record({ name: text, annotations: map }),
      spec: fc.record({
        template: fc.record({
          metadata: fc.record({ name: text, annotations: map }, { requiredKeys: [] }),
          spec: fc.record({
            containers: fc.array(container),
            timeoutSeconds: number,
            serviceAccountName: text,
          }),
        }),
        traffic: fc.array(target),
      }),
    });
    fc.assert(
      fc.property(any, (object) => {
        const given = object as unknown as Service;
        for (const fault of validateService(given)) assert.ok(fault.path && fault.message);
        validateService(defaultService(given));
      }),
    );
  });
});
