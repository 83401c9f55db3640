import type { ManifestCase } from '../../testing/manifests.ts';

const HEAD = `
apiVersion: run.googleapis.com/v1
kind: WorkerPool
metadata:
  name: queue`;

/** Worker pools with what people really write, one trait each; see services for the like. */
export const MANIFESTS: Record<string, ManifestCase> = {
  'an image': {
    yaml: `${HEAD}
  annotations: {run.googleapis.com/launch-stage: BETA}
spec: {template: {spec: {containers: [{image: us-docker.pkg.dev/cloudrun/container/worker-pool}]}}}
`,
    outcome: 'accepted',
    reason: 'the smallest that Skaffold deploys; all else has a default',
  },
  'a file that an export made': {
    yaml: `${HEAD}
  namespace: '123456789012'
  generation: 4
  labels: {cloud.googleapis.com/location: europe-west1}
  annotations:
    run.googleapis.com/client-name: gcloud
    run.googleapis.com/launch-stage: BETA
    run.googleapis.com/scalingMode: manual
    run.googleapis.com/manualInstanceCount: '2'
    run.googleapis.com/max-surge: '25'
    run.googleapis.com/max-unavailable: '10'
    serving.knative.dev/creator: jane@example.com
    serving.knative.dev/lastModifier: jane@example.com
spec:
  template:
    metadata:
      labels: {client.knative.dev/nonce: abcdefghij}
      annotations:
        run.googleapis.com/client-name: gcloud
        run.googleapis.com/startup-cpu-boost: 'True'
        run.googleapis.com/execution-environment: gen2
        run.googleapis.com/container-dependencies: '{"queue-1":["proxy"]}'
    spec:
      serviceAccountName: 1234-compute@developer.gserviceaccount.com
      containers:
        - name: queue-1
          image: europe-docker.pkg.dev/p/r/queue@sha256:${'0'.repeat(64)}
          resources: {limits: {cpu: 1000m, memory: 512Mi}}
          livenessProbe: {httpGet: {path: /live, port: 8081}, periodSeconds: 10, timeoutSeconds: 1}
          volumeMounts: [{name: scratch, mountPath: /scratch}]
        - name: proxy
          image: gcr.io/p/proxy:1
          startupProbe: {tcpSocket: {port: 5432}}
      volumes: [{name: scratch, emptyDir: {medium: Memory, sizeLimit: 64Mi}}]
  instanceSplits: [{latestRevision: true, percent: 100}]
status: {observedGeneration: 4}
`,
    outcome: 'accepted',
    reason: 'what Cloud Run gives out goes in again',
  },
  'the husks that gcloud leaves': {
    yaml: `${HEAD}
spec:
  template:
    metadata: {labels: {}, annotations: {}, name: ''}
    spec: {nodeSelector: {}, containers: [{name: '', image: app, ports: [], resources: {requests: {}}}], containerConcurrency: 0}
  instanceSplits: []
status: {}
`,
    outcome: 'accepted',
    reason: 'an empty field is an unset one',
  },
  'a pool that is turned off': {
    yaml: `${HEAD}
  annotations: {run.googleapis.com/scalingMode: manual, run.googleapis.com/manualInstanceCount: '0'}
spec: {template: {spec: {containers: [{image: app}]}}}
`,
    outcome: 'accepted',
    reason: '0 keeps the revisions',
  },
  'a GPU': {
    yaml: `${HEAD}
spec:
  template:
    spec:
      nodeSelector: {run.googleapis.com/accelerator: nvidia-l4}
      containers: [{image: app, resources: {limits: {cpu: '4', memory: 16Gi, nvidia.com/gpu: '1'}}}]
`,
    outcome: 'accepted',
    reason: 'a pool may have one as a service may',
  },
  'a split between two revisions': {
    yaml: `${HEAD}
spec:
  template: {metadata: {name: queue-v2}, spec: {containers: [{image: app}]}}
  instanceSplits: [{revisionName: queue-v1, percent: 70}, {revisionName: queue-v2, percent: 30}]
`,
    outcome: 'accepted',
    reason: 'one of them is made by this very manifest',
  },
  'a time for requests': {
    yaml: `${HEAD}
spec: {template: {spec: {timeoutSeconds: 300, containers: [{image: app}]}}}
`,
    outcome: 'warned',
    rules: /spec.template.spec.timeoutSeconds: is 300 and has no effect: a worker pool receives no requests/,
    reason: 'the template is that of a service, and this does nothing here',
  },
  'a service that was called a pool': {
    yaml: `${HEAD}
spec:
  template:
    spec:
      containerConcurrency: 80
      containers: [{image: app, ports: [{name: http1, containerPort: 8080}]}]
`,
    outcome: 'rejected',
    schema: /a worker pool receives no requests/,
    rules: /ports: has port 8080; .*\n.*containerConcurrency: is 80; it must be unset or 0/,
    reason: 'it would receive no requests',
  },
  'traffic in place of splits': {
    yaml: `${HEAD}
spec: {template: {spec: {containers: [{image: app}]}}, instanceSplits: [{revisionName: queue-1, percent: 50}]}
`,
    outcome: 'rejected',
    schema: /sum to 50; they must sum to 100/,
    rules: /instanceSplits: has percents that sum to 50; they must sum to 100/,
    reason: 'the remaining share is unassigned',
  },
};
