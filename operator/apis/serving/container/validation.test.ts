import { CONTAINER, SPEC, testErrors } from '../service/errorCases.ts';

const ANNOTATIONS = 'spec.template.metadata.annotations';

describe('containers', () => {
  testErrors({
    // Images
    'an image that does not parse': {
      container: '{image: gcr.io/PROJECT/app}',
      errors: [[`${CONTAINER}.image`, /image "gcr.io\/PROJECT\/app" does not parse/]],
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
      errors: [[`${SPEC}.containers`, /several containers, none of them with ports/]],
      reason: 'the ingress container is ambiguous',
    },
    'two containers with ports': {
      container: '{ports: [{containerPort: 1}]}',
      more: '[{image: b, ports: [{containerPort: 2}]}]',
      errors: [[`${SPEC}.containers`, /ports in containers 0, 1; exactly one/]],
      reason: 'the ingress container is ambiguous',
    },
    'two containers of one name': {
      container: '{name: a, ports: [{containerPort: 1}]}',
      more: '[{image: b, name: a}]',
      errors: [[`${SPEC}.containers[1].name`, /is "a", the name of another container/]],
      reason: 'names identify containers',
    },
    'eleven containers': {
      container: '{ports: [{containerPort: 1}]}',
      more: JSON.stringify(Array.from({ length: 10 }, () => ({ image: 'b' }))),
      errors: [[`${SPEC}.containers`, /has 11 containers; it may have at most 10/]],
      strict: true,
      reason: 'Knative sets no such limit',
    },

    // Mount points
    'volumes in folders of the system': {
      spec: '{volumes: [{name: v, emptyDir: {}}]}',
      container:
        '{volumeMounts: [{name: v, mountPath: /proc}, {name: v, mountPath: /sys/x}, {name: v, mountPath: /data/../proc/1}, {name: v, mountPath: /dev/shm}]}',
      errors: [
        [`${CONTAINER}.volumeMounts[0].mountPath`, /is "\/proc"; nothing may be mounted in \/proc/],
        [`${CONTAINER}.volumeMounts[1].mountPath`, /nothing may be mounted in \/sys/],
        [`${CONTAINER}.volumeMounts[2].mountPath`, /nothing may be mounted in \/proc/],
        [`${CONTAINER}.volumeMounts[3].mountPath`, /nothing may be mounted in \/dev/],
      ],
      strict: true,
      reason: 'the API rejects them',
    },
    'a volume beside them': {
      spec: '{volumes: [{name: v, emptyDir: {}}]}',
      container: '{volumeMounts: [{name: v, mountPath: /process}]}',
      reason: 'the name only begins alike',
    },

    'one folder for two volumes': {
      spec: '{volumes: [{name: v, emptyDir: {}}, {name: w, emptyDir: {}}]}',
      container:
        '{volumeMounts: [{name: v, mountPath: /secret}, {name: w, mountPath: /secret/}, {name: w, mountPath: /secret/./../secret}]}',
      errors: [
        [`${CONTAINER}.volumeMounts[1].mountPath`, /is "\/secret", where another volume is mounted/],
        [`${CONTAINER}.volumeMounts[2].mountPath`, /is "\/secret", where another volume is mounted/],
      ],
      reason: 'one would hide the other',
    },

    // Start order
    'containers that wait for each other': {
      template: `{annotations: {run.googleapis.com/container-dependencies: '{"a":["b"],"b":["a"]}'}}`,
      container: '{name: a, ports: [{containerPort: 1}]}',
      more: '[{image: b, name: b, startupProbe: {tcpSocket: {port: 2}}}]',
      errors: [[`${ANNOTATIONS}[run.googleapis.com/container-dependencies]`, /has a cycle: a -> b -> a/]],
      reason: 'neither would ever start',
    },
    'a dependency without a startup probe': {
      template: `{annotations: {run.googleapis.com/container-dependencies: '{"app":["side"]}'}}`,
      container: '{name: app, ports: [{containerPort: 8080}]}',
      more: '[{image: b, name: side}]',
      errors: [
        [
          `${ANNOTATIONS}[run.googleapis.com/container-dependencies]`,
          /makes containers depend on "side", which has no startup probe; a container that others depend on must have a startup probe/,
        ],
      ],
      strict: true,
      reason: 'Cloud Run rejects it; here it counts as started when its process runs',
    },
    'a container waited for that has a startup probe': {
      template: `{annotations: {run.googleapis.com/container-dependencies: '{"app":["side"]}'}}`,
      container: '{name: app, ports: [{containerPort: 8080}]}',
      more: '[{image: b, name: side, startupProbe: {tcpSocket: {port: 5000}}}]',
      reason: 'its probe shows when it has started',
    },
    'a waiting container without a name': {
      template: `{annotations: {run.googleapis.com/container-dependencies: '{"":["side"]}'}}`,
      container: '{name: app, ports: [{containerPort: 8080}]}',
      more: '[{image: b, name: side, startupProbe: {tcpSocket: {port: 5000}}}]',
      errors: [
        [`${ANNOTATIONS}[run.googleapis.com/container-dependencies]`, /names ""; there is no such container/],
      ],
      reason: 'there is none of that name',
    },
    'a dependency on a missing container': {
      template: `{annotations: {run.googleapis.com/container-dependencies: '{"a":["c"]}'}}`,
      container: '{name: a}',
      errors: [
        [
          `${ANNOTATIONS}[run.googleapis.com/container-dependencies]`,
          /names "c"; there is no such container/,
        ],
      ],
      reason: 'a typing mistake, most likely',
    },
  });
});
