import type { ResourceType } from '../kube/types.ts';
import { DOMAIN_MAPPINGS } from './domains/domainMapping/types.ts';
import { EXECUTIONS } from './run/execution/types.ts';
import { JOBS } from './run/job/types.ts';
import { WORKER_POOLS } from './run/workerPool/types.ts';
import { CONFIGURATIONS } from './serving/configuration/types.ts';
import { REVISIONS } from './serving/revision/types.ts';
import { ROUTES } from './serving/route/types.ts';
import { SERVICES } from './serving/service/types.ts';

/** Objects that the CRDs alone validate; `rejected` is unset when they accept it. */
export const OBJECTS: Record<
  string,
  { type: ResourceType; yaml: string; rejected?: RegExp; reason: string }
> = {
  'a service name of 63 characters': {
    type: SERVICES,
    yaml: `{metadata: {name: ${'a'.repeat(63)}}, spec: {template: {spec: {containers: [{image: a}]}}}}`,
    reason: 'the longest label of a host name',
  },
  'a service name of 64 characters': {
    type: SERVICES,
    yaml: `{metadata: {name: ${'a'.repeat(64)}}, spec: {template: {spec: {containers: [{image: a}]}}}}`,
    rejected: /metadata.name: Too long: may not be more than 63/,
    reason: 'one too many',
  },
  'a service name with a dot': {
    type: SERVICES,
    yaml: '{metadata: {name: a.b}, spec: {template: {spec: {containers: [{image: a}]}}}}',
    rejected: /metadata.name/,
    reason: 'it is one label of a host name',
  },
  "a revision name without the service's": {
    type: SERVICES,
    yaml: '{metadata: {name: a}, spec: {template: {metadata: {name: b-1}, spec: {containers: [{image: a}]}}}}',
    rejected: /spec.template.metadata.name: .*name of the revision is 'b-1'; it must start with 'a-'/,
    reason: 'it would take a name from others',
  },
  'a tag that is too long beside the name': {
    type: SERVICES,
    yaml: `{metadata: {name: shop}, spec: {template: {spec: {containers: [{image: a}]}}, traffic: [{percent: 100, tag: ${'t'.repeat(57)}}]}}`,
    rejected: /spec.traffic: .*at most 63 characters together/,
    reason: 'they are one label of a host name',
  },
  'a target named twice over': {
    type: SERVICES,
    yaml: '{metadata: {name: a}, spec: {template: {spec: {containers: [{image: a}]}}, traffic: [{percent: 100, revisionName: a-1, latestRevision: true}]}}',
    rejected: /spec.traffic\[0\].latestRevision: .*latestRevision must be false/,
    reason: 'it contradicts itself',
  },
  'two targets of one tag': {
    type: SERVICES,
    yaml: '{metadata: {name: a}, spec: {template: {spec: {containers: [{image: a}]}}, traffic: [{percent: 100, tag: t}, {tag: t, revisionName: a-1}]}}',
    rejected: /a tag may be given to only one traffic target/,
    reason: 'one URL cannot go to two revisions',
  },
  'all that is wrong at once': {
    type: SERVICES,
    yaml: `
      metadata: {name: a}
      spec:
        template:
          spec:
            timeoutSeconds: 3601
            containers:
              - {image: a, name: same, ports: [{containerPort: 65536}], env: [{name: 'A=B'}]}
              - {image: b, name: same, livenessProbe: {httpGet: {port: 65536}}, volumeMounts: [{name: v, mountPath: 'x:y'}]}
        traffic: [{percent: 101}]`,
    // The API server goes through fields in no order.
    rejected:
      /(?=.*timeoutSeconds.*3600)(?=.*containerPort.*65535)(?=.*env\[0\].name)(?=.*httpGet.port.*65535)(?=.*mountPath)(?=.*percent.*100)(?=.*must be unique)/s,
    reason: 'one answer, not one at a time',
  },
  'a probe that no HTTP request can carry': {
    type: SERVICES,
    yaml: '{metadata: {name: a}, spec: {template: {spec: {containers: [{image: a, startupProbe: {httpGet: {path: /health check, httpHeaders: [{name: X Probe, value: "café ☕"}]}}}]}}}}',
    rejected: /(?=.*httpGet.path)(?=.*httpHeaders\[0\].name)(?=.*httpHeaders\[0\].value)/s,
    reason: 'it would never pass',
  },
  'a route to a configuration': {
    type: ROUTES,
    yaml: '{metadata: {name: r}, spec: {traffic: [{configurationName: c, percent: 100}]}}',
    reason: 'what a service makes',
  },
  'a route to nowhere': {
    type: ROUTES,
    yaml: '{metadata: {name: r}, spec: {traffic: [{percent: 100}]}}',
    rejected: /spec.traffic\[0\]: .*exactly one of revisionName and configurationName/,
    reason: 'a route has no configuration of its own',
  },
  'a worker pool of less than no instances': {
    type: WORKER_POOLS,
    yaml: '{metadata: {name: w}, spec: {manualInstanceCount: -1, template: {spec: {containers: [{image: a}]}}}}',
    rejected: /spec.manualInstanceCount: .*greater than or equal to 0/,
    reason: 'there cannot be fewer',
  },
  'a worker pool of a fraction of an instance': {
    type: WORKER_POOLS,
    yaml: '{metadata: {name: w}, spec: {manualInstanceCount: 1.5, template: {spec: {containers: [{image: a}]}}}}',
    rejected: /spec.manualInstanceCount: .*must be of type integer/,
    reason: 'an instance runs or does not',
  },
  'a worker pool of several containers without ports': {
    type: WORKER_POOLS,
    yaml: '{metadata: {name: w}, spec: {template: {spec: {containers: [{image: a, name: a}, {image: b, name: b}]}}}}',
    reason: 'none of them takes requests',
  },
  'a configuration without an ingress container': {
    type: CONFIGURATIONS,
    yaml: '{metadata: {name: c}, spec: {template: {spec: {containers: [{image: a}, {image: b}]}}}}',
    rejected: /exactly one of several containers must have ports/,
    reason: 'the ingress container is ambiguous',
  },
  'a revision without an ingress container': {
    type: REVISIONS,
    yaml: '{metadata: {name: w-1}, spec: {containers: [{image: a, name: a}, {image: b, name: b}]}}',
    reason: 'the revisions of a worker pool have none',
  },
  'a revision whose containers have no names': {
    type: REVISIONS,
    yaml: '{metadata: {name: w-1}, spec: {containers: [{image: a}]}}',
    rejected: /spec.containers\[0\].name: Required value/,
    reason: 'its defaults are filled in',
  },
  'a job of 10,000 tasks at once for 168 hours each': {
    type: JOBS,
    yaml: "{metadata: {name: j}, spec: {template: {spec: {taskCount: 10000, parallelism: 10000, template: {spec: {maxRetries: 10, timeoutSeconds: '604800', containers: [{image: a}]}}}}}}",
    reason: 'all that Cloud Run takes; gcloud writes 64-bit numbers as texts',
  },
  'a job beyond all limits': {
    type: JOBS,
    yaml: '{metadata: {name: j}, spec: {template: {spec: {taskCount: 10001, parallelism: -1, template: {spec: {maxRetries: 11, timeoutSeconds: 604801, containers: [{image: a}]}}}}}}',
    rejected:
      /(?=.*taskCount.*10000)(?=.*parallelism.*greater than or equal to 0)(?=.*maxRetries.*10)(?=.*timeoutSeconds.*604800)/s,
    reason: 'one answer, not one at a time',
  },
  'a job of less than no tasks and no time': {
    type: JOBS,
    yaml: '{metadata: {name: j}, spec: {template: {spec: {taskCount: -1, template: {spec: {maxRetries: -1, timeoutSeconds: 0, containers: [{image: a}]}}}}}}',
    rejected: /(?=.*taskCount.*0)(?=.*maxRetries.*0)(?=.*timeoutSeconds.*1)/s,
    reason: 'it would do nothing',
  },
  'a timeout of too many digits': {
    type: JOBS,
    yaml: "{metadata: {name: j}, spec: {template: {spec: {template: {spec: {timeoutSeconds: '604801', containers: [{image: a}]}}}}}}",
    rejected: /timeoutSeconds.*must be a whole number from 1 to 604800/,
    reason: 'a text of digits is a number all the same',
  },
  'a timeout with a unit': {
    type: JOBS,
    yaml: '{metadata: {name: j}, spec: {template: {spec: {template: {spec: {timeoutSeconds: 600s, containers: [{image: a}]}}}}}}',
    rejected: /timeoutSeconds.*should match '\^\[0-9\]\+\$'/,
    reason: 'it counts seconds',
  },
  'a job of no tasks': {
    type: JOBS,
    yaml: '{metadata: {name: j}, spec: {template: {spec: {taskCount: 0, template: {spec: {containers: [{image: a}]}}}}}}',
    reason: 'the API takes it',
  },
  'more tasks at once than there are': {
    type: JOBS,
    yaml: '{metadata: {name: j}, spec: {template: {spec: {parallelism: 2, template: {spec: {containers: [{image: a}]}}}}}}',
    reason: 'all run at once',
  },
  'a task with a GPU for more than an hour': {
    type: JOBS,
    yaml: '{metadata: {name: j}, spec: {template: {spec: {template: {spec: {timeoutSeconds: 3601, containers: [{image: a, resources: {limits: {nvidia.com/gpu: 1}}}]}}}}}}',
    rejected: /timeoutSeconds: .*with a GPU timeoutSeconds must be at most 3600/,
    reason: 'a GPU may be had for one hour',
  },
  'a task with no GPU for more than an hour': {
    type: JOBS,
    yaml: "{metadata: {name: j}, spec: {template: {spec: {template: {spec: {timeoutSeconds: 3601, containers: [{image: a, resources: {limits: {nvidia.com/gpu: '0'}}}]}}}}}}",
    reason: '0 GPUs are none',
  },
  'a task with a port and probes': {
    type: JOBS,
    yaml: '{metadata: {name: j}, spec: {template: {spec: {template: {spec: {containers: [{image: a, ports: [{containerPort: 80}], livenessProbe: {httpGet: {path: /}}}]}}}}}}',
    rejected: /neither livenessProbe nor readinessProbe/,
    reason: 'it runs to completion, and a port has no use',
  },
  'a variable that the platform sets': {
    type: SERVICES,
    yaml: '{metadata: {name: a}, spec: {template: {spec: {containers: [{image: a, env: [{name: K_SERVICE, value: b}]}]}}}}',
    rejected:
      /spec.template.spec.containers: .*K_SERVICE, K_CONFIGURATION, K_REVISION are set by the platform/,
    reason: 'it says which service it is',
  },
  'the same variable in a task, beside a port': {
    type: JOBS,
    yaml: '{metadata: {name: j}, spec: {template: {spec: {template: {spec: {containers: [{image: a, ports: [{containerPort: 80}], env: [{name: K_SERVICE, value: b}]}]}}}}}}',
    reason: 'sources disagree on both, so the webhook warns about them',
  },
  'the same in a worker pool': {
    type: WORKER_POOLS,
    yaml: '{metadata: {name: w}, spec: {template: {spec: {containers: [{image: a, ports: [{containerPort: 80}], env: [{name: K_SERVICE, value: b}]}]}}}}',
    reason: 'sources disagree on both, so the webhook warns about them',
  },
  'a container with dots in its name, a volume on disk and a long command': {
    type: SERVICES,
    yaml: `{metadata: {name: a}, spec: {template: {spec: {containers: [{image: a, name: app.v2, command: [${Array(101).fill('a')}], volumeMounts: [{name: v, mountPath: /v}]}], volumes: [{name: v, emptyDir: {medium: Disk}}]}}}}`,
    reason: 'Cloud Run takes the first, and some source each of the others',
  },
  'a key that no Secret has': {
    type: SERVICES,
    yaml: '{metadata: {name: a}, spec: {template: {spec: {containers: [{image: a, env: [{name: A, valueFrom: {secretKeyRef: {name: s, key: "?"}}}]}], volumes: [{name: v, secret: {secretName: s, items: [{key: "?", path: p}]}}]}}}}',
    rejected: /(?=.*env\[0\].valueFrom.secretKeyRef.key)(?=.*volumes\[0\].secret.items\[0\].key)/s,
    reason: 'an instance would wait for it',
  },
  'two containers of a task and no word on which one is the main container': {
    type: JOBS,
    yaml: '{metadata: {name: j}, spec: {template: {spec: {template: {spec: {containers: [{image: a}, {image: b}]}}}}}}',
    reason: 'it is the first one',
  },
  'a sidecar of a task': {
    type: JOBS,
    yaml: `{metadata: {name: j}, spec: {template: {metadata: {annotations: {run.googleapis.com/container-dependencies: '{"m":["s"]}'}}, spec: {template: {spec: {containers: [{image: a, name: m}, {image: b, name: s, startupProbe: {tcpSocket: {port: 1}}}]}}}}}}`,
    reason: 'it ends with the main container',
  },
  'a token too long beside the name': {
    type: JOBS,
    yaml: `{metadata: {name: ${'j'.repeat(40)}}, spec: {startExecutionToken: ${'t'.repeat(23)}, template: {spec: {template: {spec: {containers: [{image: a}]}}}}}}`,
    rejected: /spec.startExecutionToken: .*at most 62 characters together/,
    reason: 'an execution is called JOB-TOKEN',
  },
  'two tokens': {
    type: JOBS,
    yaml: '{metadata: {name: j}, spec: {startExecutionToken: a, runExecutionToken: b, template: {spec: {template: {spec: {containers: [{image: a}]}}}}}}',
    rejected: /only one of startExecutionToken and runExecutionToken/,
    reason: 'they name one execution',
  },
  'a job as gcloud creates it': {
    type: JOBS,
    yaml: "{metadata: {name: j, labels: {}, annotations: {run.googleapis.com/client-name: gcloud}}, spec: {template: {metadata: {labels: {client.knative.dev/nonce: a_b_c}, annotations: {}}, spec: {taskCount: 1, template: {spec: {containers: [{name: '', image: a, resources: {limits: {}, requests: {}}}], nodeSelector: {}, timeoutSeconds: '600'}}}}}, status: {latestCreatedExecution: {}}}",
    reason: 'an empty text or map is an unset one',
  },
  'an execution that says nothing': {
    type: EXECUTIONS,
    yaml: '{metadata: {name: e, labels: {run.googleapis.com/job: j}}}',
    reason: 'all of it is as its job has it',
  },
  'an execution that says one thing': {
    type: EXECUTIONS,
    yaml: '{metadata: {name: e, labels: {run.googleapis.com/job: j}}, spec: {parallelism: 5, template: {spec: {maxRetries: 0}}}}',
    reason: 'the rest is as its job has it',
  },
  'an execution beyond all limits': {
    type: EXECUTIONS,
    yaml: '{metadata: {name: e}, spec: {taskCount: 10001, template: {spec: {maxRetries: 11, timeoutSeconds: 0, containers: [{image: a, ports: [{}]}]}}}}',
    rejected: /(?=.*taskCount.*10000)(?=.*maxRetries.*10)(?=.*timeoutSeconds.*1)/s,
    reason: 'the limits are those of its job',
  },
  'a folder of the node': {
    type: SERVICES,
    yaml: '{metadata: {name: a}, spec: {template: {spec: {containers: [{image: a}], volumes: [{name: v, hostPath: {path: /}}]}}}}',
    rejected: /unknown field "spec.template.spec.volumes\[0\].hostPath"/,
    reason: 'the schema has no field for it, so it is never stored either',
  },
  'network and processes of the node': {
    type: JOBS,
    yaml: '{metadata: {name: a}, spec: {template: {spec: {template: {spec: {containers: [{image: a}], hostNetwork: true, hostPID: true}}}}}}',
    rejected: /unknown field .*hostNetwork.*unknown field .*hostPID/,
    reason: 'the same',
  },
  'a domain mapping': {
    type: DOMAIN_MAPPINGS,
    yaml: '{metadata: {name: 1.www.example.com}, spec: {routeName: hello, certificateMode: AUTOMATIC, forceOverride: false}}',
    reason: 'its name is the domain',
  },
  'a domain mapping without a domain': {
    type: DOMAIN_MAPPINGS,
    yaml: '{metadata: {name: hello}, spec: {routeName: hello}}',
    rejected: /metadata.name/,
    reason: 'one label is no domain',
  },
  'a domain mapping to an address': {
    type: DOMAIN_MAPPINGS,
    yaml: '{metadata: {name: 10.0.0.1}, spec: {routeName: hello}}',
    rejected: /metadata.name/,
    reason: 'an address is no domain',
  },
  'a domain mapping to nothing': {
    type: DOMAIN_MAPPINGS,
    yaml: '{metadata: {name: www.example.com}, spec: {}}',
    rejected: /spec.routeName: Required value/,
    reason: 'it has to name a service',
  },
};
