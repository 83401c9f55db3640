import type { ManifestCase } from '../../testing/manifests.ts';

const HEAD = `
apiVersion: serving.knative.dev/v1
kind: Service
metadata:
  name: shop`;

export const MANIFESTS: Record<string, ManifestCase> = {
  'a file that an export made': {
    yaml: `${HEAD}
  labels: {cloud.googleapis.com/location: europe-west1}
  annotations:
    run.googleapis.com/client-name: gcloud
    run.googleapis.com/ingress: all
    run.googleapis.com/ingress-status: all
    run.googleapis.com/urls: '["https://shop-1.example.app"]'
spec:
  template:
    metadata:
      name: shop-00007-abc
      creationTimestamp: null
      labels: {client.knative.dev/nonce: abcdefghij, run.googleapis.com/startupProbeType: Default}
      annotations: {autoscaling.knative.dev/maxScale: '100', run.googleapis.com/startup-cpu-boost: 'true'}
    spec:
      containerConcurrency: 80
      timeoutSeconds: 300
      serviceAccountName: 1234-compute@developer.gserviceaccount.com
      containers:
        - name: shop-1
          image: europe-docker.pkg.dev/p/r/shop@sha256:${'0'.repeat(64)}
          ports: [{name: http1, containerPort: 8080}]
          resources: {limits: {cpu: 1000m, memory: 512Mi}}
          startupProbe: {failureThreshold: 1, periodSeconds: 240, timeoutSeconds: 240, tcpSocket: {port: 8080}}
  traffic: [{percent: 100, latestRevision: true}]
status: {address: {}}
`,
    outcome: 'accepted',
    reason: 'what Cloud Run gives out goes in again',
  },
  'the husks that gcloud leaves': {
    yaml: `${HEAD}
spec:
  template:
    metadata: {labels: {}, annotations: {}}
    spec:
      nodeSelector: {}
      containers: [{name: '', image: nginx, resources: {limits: {}, requests: {}}}]
status: {address: {}}
`,
    outcome: 'accepted',
    reason: 'an empty text or map is an unset one',
  },
  'the zeros that Go clients write': {
    yaml: `${HEAD}
spec:
  template:
    metadata: {creationTimestamp: null}
    spec:
      containers:
        - {name: '', image: nginx, resources: {}, ports: [{name: h2c, containerPort: 0}], livenessProbe: {httpGet: {path: /, port: 0}}}
status: {}
`,
    outcome: 'accepted',
    reason: '0 is an unset number',
  },
  'numbers without quotes as quantities': {
    yaml: `${HEAD}
spec: {template: {spec: {containers: [{image: nginx, resources: {limits: {cpu: 2, memory: 1Gi}}}]}}}
`,
    outcome: 'accepted',
    reason: 'YAML authors leave quotes out',
  },
  'a sidecar with start order, secret, bucket and shared memory': {
    yaml: `${HEAD}
spec:
  template:
    metadata:
      annotations: {run.googleapis.com/container-dependencies: '{"web":["cache"]}'}
    spec:
      containers:
        - name: web
          image: gcr.io/p/web
          ports: [{containerPort: 3000}]
          env: [{name: KEY, valueFrom: {secretKeyRef: {name: API_KEY, key: latest}}}]
          volumeMounts: [{name: conf, mountPath: /etc/conf}, {name: bucket, mountPath: /data}, {name: tmp, mountPath: /shared}]
        - name: cache
          image: redis:7
          startupProbe: {tcpSocket: {port: 6379}}
          volumeMounts: [{name: tmp, mountPath: /shared}]
      volumes:
        - {name: conf, secret: {secretName: conf, items: [{key: latest, path: app.yaml}]}}
        - {name: bucket, csi: {driver: gcsfuse.run.googleapis.com, readOnly: true, volumeAttributes: {bucketName: b}}}
        - {name: tmp, emptyDir: {medium: Memory, sizeLimit: 64Mi}}
        - {name: share, nfs: {server: 10.0.0.2, path: /export, readOnly: false}}
`,
    outcome: 'accepted',
    reason: "Cloud Run's own features",
  },
  'a GPU': {
    yaml: `${HEAD}
spec:
  template:
    spec:
      containers: [{image: nginx, resources: {limits: {cpu: '8', memory: 32Gi, nvidia.com/gpu: '1'}}}]
      nodeSelector: {run.googleapis.com/accelerator: nvidia-l4}
`,
    outcome: 'accepted',
    reason: "Cloud Run's own feature",
  },
  'a flag of gcloud as an annotation': {
    yaml: `${HEAD}
spec:
  template:
    metadata: {annotations: {run.googleapis.com/use-http2: 'true'}}
    spec: {containers: [{image: nginx}]}
`,
    outcome: 'warned',
    rules: /use-http2.*name the port h2c/,
    reason: 'Cloud Run rejects the key, Knative keeps it',
  },
  'a readiness probe': {
    yaml: `${HEAD}
spec: {template: {spec: {containers: [{image: nginx, readinessProbe: {httpGet: {path: /ready}}}]}}}
`,
    outcome: 'accepted',
    reason: 'Cloud Run, Configure container health checks',
  },
  'much of what only Knative has': {
    yaml: `${HEAD}
spec:
  template:
    spec:
      idleTimeoutSeconds: 10
      responseStartTimeoutSeconds: 20
      enableServiceLinks: false
      automountServiceAccountToken: false
      imagePullSecrets: [{name: pull}]
      tolerations: [{key: dedicated, operator: Exists}]
      affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: disk, operator: In, values: [ssd]}]}]}}}
      containers:
        - image: nginx
          securityContext: {runAsUser: 1000, capabilities: {drop: [ALL]}}
          envFrom: [{configMapRef: {name: c}}, {secretRef: {name: s}, prefix: P_}]
          volumeMounts: [{name: p, mountPath: /p}]
      volumes: [{name: p, projected: {sources: [{secret: {name: s}}, {configMap: {name: c}}, {serviceAccountToken: {path: t}}]}}]
`,
    outcome: 'warned',
    rules:
      /envFrom is not supported.*securityContext is not supported.*projected is not supported.*tolerations is not supported/s,
    reason: 'the API takes what Knative takes',
  },
  'a variable named PORT': {
    yaml: `${HEAD}
spec: {template: {spec: {containers: [{image: nginx, env: [{name: PORT, value: '8080'}]}]}}}
`,
    outcome: 'rejected',
    schema: /spec.template.spec.containers: .*PORT is set by the platform/,
    rules: /containers\[0\].env\[0\].name: is "PORT", which the platform sets/,
    reason: 'Cloud Run and Knative reject it',
  },
  'a placeholder in the image': {
    yaml: `${HEAD}
spec: {template: {spec: {containers: [{image: REGION-docker.pkg.dev/PROJECT_ID/r/shop}]}}}
`,
    outcome: 'rejected',
    schema: /containers\[0\].image: .*image 'REGION-docker.pkg.dev\/PROJECT_ID\/r\/shop' does not parse/,
    rules: /image "REGION-docker.pkg.dev\/PROJECT_ID\/r\/shop" does not parse/,
    reason: 'no registry has such a path',
  },
  'a field of the v2 API': {
    yaml: `${HEAD}
spec: {template: {spec: {containers: [{name: a, image: nginx, dependsOn: [b], ports: [{containerPort: 80}]}, {name: b, image: nginx}]}}}
`,
    outcome: 'rejected',
    schema: /unknown field "spec.template.spec.containers\[0\].dependsOn"/,
    reason: 'the v1 API has an annotation for it',
  },
  'a hook of Kubernetes': {
    yaml: `${HEAD}
spec: {template: {spec: {containers: [{image: nginx, lifecycle: {preStop: {exec: {command: [sleep, '5']}}}}]}}}
`,
    outcome: 'rejected',
    schema: /unknown field "spec.template.spec.containers\[0\].lifecycle"/,
    reason: 'the contract has SIGTERM for it',
  },
  'a node selector in the wrong place': {
    yaml: `${HEAD}
spec:
  template: {spec: {containers: [{image: nginx}]}}
  nodeSelector: {run.googleapis.com/accelerator: nvidia-l4}
`,
    outcome: 'rejected',
    schema: /unknown field "spec.nodeSelector"/,
    reason: 'it would do nothing',
  },
  'annotations that are no texts': {
    yaml: `${HEAD}
spec:
  template:
    metadata: {annotations: {run.googleapis.com/container-dependencies: {web: [cache]}}}
    spec: {containers: [{image: nginx}]}
`,
    outcome: 'rejected',
    schema: /spec.template.metadata.annotations.run.googleapis.com\/container-dependencies/,
    rules: /it must be JSON such as/,
    reason: 'quotes are missing around the value',
  },
  'no containers': {
    yaml: `${HEAD}
spec: {template: {spec: {containers: []}}}
`,
    outcome: 'rejected',
    schema: /spec.template.spec.containers: .*should have at least 1 items/,
    rules: /spec.template.spec.containers: must have at least one container/,
    reason: 'there is nothing to run',
  },
  'traffic that sums to 99': {
    yaml: `${HEAD}
spec:
  template: {spec: {containers: [{image: nginx}]}}
  traffic: [{latestRevision: true, percent: 9}, {revisionName: shop-1, percent: 90}]
`,
    outcome: 'rejected',
    schema: /spec.traffic: .*percents of all traffic targets sum to 99; they must sum to 100/,
    rules: /spec.traffic: has percents that sum to 99/,
    reason: 'the remaining share is unassigned',
  },
  'a privileged container': {
    yaml: `${HEAD}
spec: {template: {spec: {containers: [{image: nginx, securityContext: {privileged: true}}]}}}
`,
    outcome: 'rejected',
    schema: /securityContext.privileged: .*privileged containers are not supported/,
    rules: /privileged containers are not supported/,
    reason: 'container contract, Privileged containers',
  },
};
