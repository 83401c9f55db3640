import type { ManifestCase } from '../../testing/manifests.ts';

const HEAD = `
apiVersion: run.googleapis.com/v1
kind: Job
metadata:
  name: load`;

/** Jobs with what people really write, one trait each; see services for the like. */
export const MANIFESTS: Record<string, ManifestCase> = {
  'an image': {
    yaml: `${HEAD}
spec: {template: {spec: {template: {spec: {containers: [{image: gcr.io/p/load}]}}}}}
`,
    outcome: 'accepted',
    reason: 'all else has a default',
  },
  'a file that an export made': {
    yaml: `${HEAD}
  namespace: '123456789012'
  generation: 1
  labels: {cloud.googleapis.com/location: europe-west1}
  annotations:
    client.knative.dev/user-image: europe-docker.pkg.dev/p/r/load:latest
    run.googleapis.com/launch-stage: BETA
    run.googleapis.com/client-name: gcloud
    run.googleapis.com/operation-id: 11111111-2222-3333-4444-555555555555
    run.googleapis.com/creator: jane@example.com
    run.googleapis.com/lastModifier: jane@example.com
spec:
  template:
    metadata:
      labels: {client.knative.dev/nonce: some_three_words}
      annotations:
        run.googleapis.com/client-name: cloud-console
        client.knative.dev/user-image: europe-docker.pkg.dev/p/r/load:latest
        run.googleapis.com/execution-environment: gen2
    spec:
      taskCount: 1
      template:
        spec:
          containers:
            - image: europe-docker.pkg.dev/p/r/load:latest
              env: [{name: KEY, valueFrom: {secretKeyRef: {key: '1', name: SOME_KEY}}}]
              volumeMounts: [{mountPath: /data, name: bucket}]
              resources: {limits: {cpu: 1000m, memory: 1Gi}}
          volumes:
            - name: bucket
              csi: {driver: gcsfuse.run.googleapis.com, readOnly: false, volumeAttributes: {bucketName: b}}
          maxRetries: 1
          serviceAccountName: 123456789012-compute@developer.gserviceaccount.com
          timeoutSeconds: '600'
status:
  observedGeneration: 1
  conditions: [{type: Ready, status: 'True', lastTransitionTime: '2026-01-01T00:00:00.000000Z'}]
  executionCount: 4
  latestCreatedExecution: {name: load-abcde, creationTimestamp: '2026-01-01T00:00:00.000000Z', completionStatus: EXECUTION_SUCCEEDED}
`,
    outcome: 'accepted',
    reason: 'what Cloud Run gives out goes in again',
  },
  'the husks that gcloud leaves': {
    yaml: `${HEAD}
  labels: {}
spec:
  template:
    metadata: {labels: {}, annotations: {}, creationTimestamp: null}
    spec:
      parallelism: 0
      template:
        spec:
          nodeSelector: {}
          serviceAccountName: ''
          containers: [{name: '', image: nginx, ports: [], resources: {limits: {}, requests: {}}}]
status: {latestCreatedExecution: {}}
`,
    outcome: 'accepted',
    reason: 'an empty text, list or map is an unset one',
  },
  'a sidecar that goes before': {
    yaml: `${HEAD}
spec:
  template:
    metadata:
      annotations: {run.googleapis.com/container-dependencies: '{"load":["proxy"]}'}
    spec:
      taskCount: 100
      parallelism: 10
      template:
        spec:
          containers:
            - {name: load, image: gcr.io/p/load}
            - {name: proxy, image: gcr.io/p/proxy, startupProbe: {tcpSocket: {port: 5432}}}
`,
    outcome: 'accepted',
    reason: "Cloud Run's own feature",
  },
  'two containers and no order': {
    yaml: `${HEAD}
spec: {template: {spec: {template: {spec: {containers: [{name: a, image: a}, {name: b, image: b}]}}}}}
`,
    outcome: 'accepted',
    reason: 'the task ends with the first one',
  },
  'a GPU': {
    yaml: `${HEAD}
spec:
  template:
    metadata: {annotations: {run.googleapis.com/gpu-zonal-redundancy-disabled: 'True'}}
    spec:
      template:
        spec:
          containers: [{image: nginx, resources: {limits: {cpu: '8', memory: 32Gi, nvidia.com/gpu: '1'}}}]
          nodeSelector: {run.googleapis.com/accelerator: nvidia-l4}
          timeoutSeconds: 3600
`,
    outcome: 'accepted',
    reason: 'as gcloud writes it, for an hour at most',
  },
  'a GPU for a day': {
    yaml: `${HEAD}
spec: {template: {spec: {template: {spec: {timeoutSeconds: 86400, containers: [{image: nginx, resources: {limits: {cpu: '8', memory: 32Gi, nvidia.com/gpu: '1'}}}]}}}}}
`,
    outcome: 'rejected',
    schema: /with a GPU timeoutSeconds must be at most 3600/,
    rules: /timeoutSeconds: is 86400; .* one hour, with a GPU/,
    reason: 'an hour is the limit',
  },
  'the restart policy of a pod': {
    yaml: `${HEAD}
spec: {template: {spec: {template: {spec: {restartPolicy: OnFailure, containers: [{image: nginx}]}}}}}
`,
    outcome: 'rejected',
    schema: /unknown field "spec.template.spec.template.spec.restartPolicy"/,
    reason: 'Cloud Run knows no such field: maxRetries says how often a task is tried',
  },
  'the fields of a job of Kubernetes': {
    yaml: `${HEAD}
spec: {template: {spec: {completions: 3, backoffLimit: 3, template: {spec: {containers: [{image: nginx}]}}}}}
`,
    outcome: 'rejected',
    schema:
      /(?=.*unknown field "spec.template.spec.completions")(?=.*unknown field "spec.template.spec.backoffLimit")/s,
    reason: 'Cloud Run calls them taskCount and maxRetries',
  },
  'a timeout as the flag of gcloud has it': {
    yaml: `${HEAD}
spec: {template: {spec: {template: {spec: {timeoutSeconds: 600s, containers: [{image: nginx}]}}}}}
`,
    outcome: 'rejected',
    schema: /timeoutSeconds.*should match/,
    rules: /timeoutSeconds: is "600s"; it must be a whole number of seconds/,
    reason: 'the field counts seconds',
  },
  'numbers beyond the limits': {
    yaml: `${HEAD}
spec: {template: {spec: {taskCount: 10001, template: {spec: {maxRetries: 11, timeoutSeconds: 608400, containers: [{image: nginx}]}}}}}
`,
    outcome: 'rejected',
    schema: /(?=.*taskCount)(?=.*maxRetries)(?=.*timeoutSeconds)/s,
    rules: /timeoutSeconds: is 608400;/,
    reason: 'Cloud Run jobs, limits',
  },
  'more tasks at once than there are': {
    yaml: `${HEAD}
spec: {template: {spec: {taskCount: 2, parallelism: 3, template: {spec: {containers: [{image: nginx}]}}}}}
`,
    outcome: 'accepted',
    reason: 'all run at once',
  },
  'a setting of services': {
    yaml: `${HEAD}
spec:
  template:
    metadata: {annotations: {run.googleapis.com/cpu-throttling: 'false'}}
    spec: {template: {spec: {containers: [{image: nginx}]}}}
`,
    outcome: 'warned',
    rules:
      /cpu-throttling\]: has no effect here; it belongs in spec.template.metadata.annotations of the Service/,
    reason: 'a task has its CPU all the time anyhow',
  },
  'what only Kubernetes has': {
    yaml: `${HEAD}
spec:
  template:
    spec:
      template:
        spec:
          containers: [{image: nginx, envFrom: [{secretRef: {name: s}}], securityContext: {runAsUser: 1000}}]
          volumes: [{name: v, configMap: {name: c}}]
`,
    outcome: 'warned',
    rules: /(?=.*envFrom)(?=.*securityContext)(?=.*configMap)/s,
    reason: 'the rules for containers are those of services',
  },
  'a schedule and a limit of its history': {
    yaml: `${HEAD}
  annotations: {homerun.dev/schedule: '0 2 * * *', homerun.dev/time-zone: Europe/Berlin, homerun.dev/executions-history-limit: '5'}
spec: {template: {spec: {template: {spec: {containers: [{image: nginx}]}}}}}
`,
    outcome: 'accepted',
    reason: 'what other products of Google do for Cloud Run',
  },
};
