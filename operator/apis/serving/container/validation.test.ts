import { CONTAINER, SPEC, testFaults } from '../service/faultCases.ts';

const ANNOTATIONS = 'spec.template.metadata.annotations';

describe('containers', () => {
  testFaults({
    // Images
    'an image that does not parse': {
      container: '{image: gcr.io/PROJECT/app}',
      faults: [[`${CONTAINER}.image`, /image "gcr.io\/PROJECT\/app" does not parse/]],
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
      faults: [[`${SPEC}.containers`, /several containers and none with ports/]],
      reason: 'nobody knows where requests go',
    },
    'two containers with ports': {
      container: '{ports: [{containerPort: 1}]}',
      more: '[{image: b, ports: [{containerPort: 2}]}]',
      faults: [[`${SPEC}.containers`, /ports in containers 0, 1; exactly one/]],
      reason: 'nobody knows where requests go',
    },
    'two containers of one name': {
      container: '{name: a, ports: [{containerPort: 1}]}',
      more: '[{image: b, name: a}]',
      faults: [[`${SPEC}.containers[1].name`, /is "a", the name of another container/]],
      reason: 'names tell containers apart',
    },
    'eleven containers': {
      container: '{ports: [{containerPort: 1}]}',
      more: JSON.stringify(Array.from({ length: 10 }, () => ({ image: 'b' }))),
      faults: [[`${SPEC}.containers`, /has 11 containers; it may have 10/]],
      strict: true,
      reason: 'Knative sets no such limit',
    },

    // Mount points
    'volumes in folders of the system': {
      spec: '{volumes: [{name: v, emptyDir: {}}]}',
      container:
        '{volumeMounts: [{name: v, mountPath: /proc}, {name: v, mountPath: /sys/x}, {name: v, mountPath: /data/../proc}, {name: v, mountPath: /dev/shm}]}',
      faults: [
        [`${CONTAINER}.volumeMounts[0].mountPath`, /is "\/proc"; nothing may be mounted in \/proc/],
        [`${CONTAINER}.volumeMounts[1].mountPath`, /nothing may be mounted in \/sys/],
        [`${CONTAINER}.volumeMounts[2].mountPath`, /nothing may be mounted in \/proc/],
        [`${CONTAINER}.volumeMounts[3].mountPath`, /nothing may be mounted in \/dev/],
      ],
      strict: true,
      reason: 'the API refuses them',
    },
    'a volume beside them': {
      spec: '{volumes: [{name: v, emptyDir: {}}]}',
      container: '{volumeMounts: [{name: v, mountPath: /process}]}',
      reason: 'the name only begins alike',
    },

    // Start order
    'containers that wait for each other': {
      template: `{annotations: {run.googleapis.com/container-dependencies: '{"a":["b"],"b":["a"]}'}}`,
      container: '{name: a, ports: [{containerPort: 1}]}',
      more: '[{image: b, name: b}]',
      faults: [
        [
          `${ANNOTATIONS}[run.googleapis.com/container-dependencies]`,
          /has a cycle: a waits for b waits for a/,
        ],
      ],
      reason: 'neither would ever start',
    },
    'a container that waits for nobody there': {
      template: `{annotations: {run.googleapis.com/container-dependencies: '{"a":["c"]}'}}`,
      container: '{name: a}',
      faults: [
        [
          `${ANNOTATIONS}[run.googleapis.com/container-dependencies]`,
          /names "c"; there is no such container/,
        ],
      ],
      reason: 'a typing mistake, most likely',
    },
  });
});
