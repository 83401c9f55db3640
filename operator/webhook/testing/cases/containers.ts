import type { AdmissionCases } from './case.ts';

const API = 'what the API answers';
const DOCS = 'Cloud Run, documentation';
const GCLOUD = "gcloud's own parser";
const PORT = '{ports: [{containerPort: 8080}]}';
const SECRET = '{volumes: [{name: v, secret: {secretName: s}}]}';

/** Containers, probes and volumes of a service. */
export const CONTAINERS: AdmissionCases = {
  'whole numbers in quotes': {
    service: {
      spec: '{containerConcurrency: "1", timeoutSeconds: "1500"}',
      container: '{ports: [{containerPort: "5002"}]}',
    },
    outcome: 'accepted',
    source: GCLOUD,
    reason: 'it reads digits in quotes as a number',
  },
  'a readiness probe': {
    service: { container: '{readinessProbe: {httpGet: {path: /ready}}}' },
    outcome: 'accepted',
    source: `${DOCS}, Configure container health checks`,
    reason: 'a preview since 2026',
  },
  'names without quotes in the start order': {
    service: {
      template: "{annotations: {run.googleapis.com/container-dependencies: '{app:[collector]}'}}",
      container: '{name: app, ports: [{containerPort: 8080}]}',
      more: '[{image: b, name: collector, startupProbe: {httpGet: {port: 13133}}}]',
    },
    outcome: 'accepted',
    source: "Google's samples",
    reason: 'published samples write it so',
  },
  'half a CPU beside a sidecar with one, for 80 requests at once': {
    service: {
      spec: '{containerConcurrency: 80}',
      container: '{ports: [{containerPort: 80}], resources: {limits: {cpu: 500m}}}',
      more: '[{image: b, resources: {limits: {cpu: 1000m}}}]',
    },
    outcome: 'accepted',
    source: API,
    reason: 'the sum of all containers counts',
  },
  'a container name with a dot': {
    service: { container: '{name: app.v2}' },
    outcome: 'accepted',
    source: `${API}; gcloud checks [a-z0-9]([a-z0-9-.]{0,61}[a-z0-9])?`,
    reason: 'the pod gets a name that Kubernetes takes',
  },
  'a container name that ends with a dot': {
    service: { container: '{name: app.}' },
    outcome: 'rejected',
    message:
      /containers\[0\]\.name: is "app\."; it must be at most 63 lowercase letters, digits, dashes and dots/,
    source: GCLOUD,
    reason: 'a letter or digit is at both ends',
  },
  'a timeout that is longer than the period of a probe': {
    service: { container: '{livenessProbe: {httpGet: {}, timeoutSeconds: 11}}' },
    outcome: 'warned',
    message: /livenessProbe\.timeoutSeconds: is 11; it must be at most periodSeconds, 10/,
    source: `${DOCS} forbids it, the API takes it`,
    reason: 'the next probe begins before this one ends',
  },
  '1,200 variables of two containers': {
    service: {
      container: `{ports: [{containerPort: 80}], env: [${Array(600).fill('{name: A, value: a}').join()}]}`,
      more: `[{image: b, env: [${Array(600).fill('{name: A, value: a}').join()}]}]`,
    },
    outcome: 'strict',
    message: /containers: have 1200 environment variables in total; they may have at most 1000/,
    source: API,
    reason: 'it counts over all containers',
  },
  '1,200 arguments of two containers': {
    service: {
      container: `{ports: [{containerPort: 80}], args: [${Array(600).fill('a').join()}]}`,
      more: `[{image: b, args: [${Array(600).fill('a').join()}]}]`,
    },
    outcome: 'strict',
    message: /containers: have 1200 arguments in total; they may have at most 1000/,
    source: API,
    reason: 'it counts over all containers',
  },
  'a container waited for that has no startup probe': {
    service: {
      template: `{annotations: {run.googleapis.com/container-dependencies: '{"a":["b"]}'}}`,
      container: '{name: a, ports: [{containerPort: 80}]}',
      more: '[{image: b, name: b}]',
    },
    outcome: 'strict',
    message: /container-dependencies\]: makes containers depend on "b", .* must have a startup probe/,
    source: 'public reports',
    reason: 'nothing shows when it has started',
  },
  'a startup probe that is empty': {
    service: { container: '{startupProbe: {}}' },
    outcome: 'strict',
    message: /containers\[0\]\.startupProbe: is empty; it must have one of httpGet, tcpSocket, grpc/,
    source: API,
    reason: 'here it is the check of the port by TCP',
  },
  'a startup probe that only says when': {
    service: { container: '{startupProbe: {failureThreshold: 3}}' },
    outcome: 'accepted',
    source: 'API reference, Container: startupProbe',
    reason: 'TCP is the default',
  },
  'a header name with a space': {
    service: { container: '{startupProbe: {httpGet: {httpHeaders: [{name: X Probe, value: a}]}}}' },
    outcome: 'rejected',
    message: /httpHeaders\[0\]\.name: is "X Probe"; it must be letters, digits and dashes/,
    source: API,
    reason: 'no cluster takes such a pod',
  },
  'a probe path that is no target of a request': {
    service: { container: '{startupProbe: {httpGet: {path: /health check}}}' },
    outcome: 'rejected',
    message: /httpGet\.path: is "\/health check"; it must be visible ASCII without spaces/,
    source: API,
    reason: 'the probe could never pass',
  },
  'a readiness probe by TCP': {
    service: { container: '{readinessProbe: {tcpSocket: {}}}' },
    outcome: 'strict',
    message: /readinessProbe\.tcpSocket: tcpSocket is not supported by Cloud Run/,
    source: API,
    reason: 'Knative has it',
  },
  'a readiness probe that waits before it begins': {
    service: { container: '{readinessProbe: {httpGet: {}, initialDelaySeconds: 5}}' },
    outcome: 'strict',
    message: /readinessProbe\.initialDelaySeconds: initialDelaySeconds is not supported/,
    source: API,
    reason: 'Knative has it',
  },
  'a readiness probe that takes six minutes': {
    service: { container: '{readinessProbe: {httpGet: {}, timeoutSeconds: 360, periodSeconds: 360}}' },
    outcome: 'strict',
    message: /readinessProbe\.timeoutSeconds: is 360; it must be a whole number from 0 to 300/,
    source: API,
    reason: 'Kubernetes would do it',
  },
  'mounts in folders of the system': {
    service: {
      spec: '{volumes: [{name: v, emptyDir: {}}]}',
      container:
        '{volumeMounts: [{name: v, mountPath: /proc}, {name: v, mountPath: /sys/x}, {name: v, mountPath: /data/../proc/1}]}',
    },
    outcome: 'strict',
    message:
      /mountPath: is "\/proc"; nothing may be mounted in \/proc.*[\s\S]*in \/sys[\s\S]*"\/data\/\.\.\/proc\/1"; nothing may be mounted in \/proc/,
    source: `${API}: disallowed mount points`,
    reason: 'a program would miss what is there',
  },
  'a mount at /dev': {
    service: {
      spec: '{volumes: [{name: v, emptyDir: {}}]}',
      container: '{volumeMounts: [{name: v, mountPath: /dev}]}',
    },
    outcome: 'rejected',
    message: /mountPath: is "\/dev"; it must be an absolute path without a colon, other than \/, \/dev/,
    source: `${API}: disallowed mount points`,
    reason: 'no program runs without its devices',
  },
  'a path within a secret': {
    service: {
      spec: SECRET,
      container: '{volumeMounts: [{name: v, mountPath: /s, subPath: a}]}',
    },
    outcome: 'strict',
    message: /volumeMounts\[0\]\.subPath: is "a"; .* "v", which is a secret/,
    source: API,
    reason: 'it mounts a secret as a whole',
  },
  'a key of a secret that is none': {
    service: {
      spec: '{volumes: [{name: v, secret: {secretName: s, items: [{key: "?", path: a}]}}]}',
    },
    outcome: 'rejected',
    message: /items\[0\]\.key: is "\?"; it must be latest, a number or an alias, or a key/,
    source: API,
    reason: 'no Secret of Kubernetes has such a key, and the instance would hang',
  },
  'a variable from such a key': {
    service: {
      container: '{env: [{name: A, valueFrom: {secretKeyRef: {name: s, key: "?"}}}]}',
    },
    outcome: 'rejected',
    message: /secretKeyRef\.key: is "\?"; it must be latest, a number or an alias/,
    source: API,
    reason: 'no cluster takes such a pod',
  },
  'a secret by a path': {
    service: { spec: '{volumes: [{name: v, secret: {secretName: wrong/path}}]}' },
    outcome: 'strict',
    message: /secret\.secretName: is "wrong\/path"; it must be the name of a secret/,
    source: API,
    reason: 'a name has no slash; here it means Secret wrong-path',
  },
  'a secret of another project without an alias': {
    service: { spec: '{volumes: [{name: v, secret: {secretName: projects/1/secrets/s}}]}' },
    outcome: 'strict',
    message:
      /secretName: is "projects\/1\/secrets\/s"; .* an alias in annotation run\.googleapis\.com\/secrets/,
    source: 'API reference, SecretVolumeSource: secretName',
    reason: 'an instance would wait for Secret projects-1-secrets-s',
  },
  'a variable from a secret of another project without an alias': {
    service: {
      container: '{env: [{name: A, valueFrom: {secretKeyRef: {name: projects/1/secrets/s, key: "1"}}}]}',
    },
    outcome: 'strict',
    message: /secretKeyRef\.name: is "projects\/1\/secrets\/s"; .* an alias in annotation/,
    source: 'API reference, SecretKeySelector: name',
    reason: 'an instance would wait for Secret projects-1-secrets-s',
  },
  'a secret of another project by its alias': {
    service: {
      template: '{annotations: {run.googleapis.com/secrets: "ours:projects/1/secrets/s"}}',
      spec: '{volumes: [{name: v, secret: {secretName: ours, items: [{key: latest, path: a}]}}]}',
      container: `{env: [{name: A, valueFrom: {secretKeyRef: {name: API_KEY, key: "2"}}}], ${PORT.slice(1)}`,
    },
    outcome: 'accepted',
    source: 'API reference, SecretVolumeSource: secretName',
    reason: 'that is how it is written',
  },
};
