import { HOMERUN } from '../apis/annotations/homerun.ts';
import { RUN } from '../apis/annotations/run.ts';
import { SERVING } from '../apis/annotations/serving.ts';
import { keyed } from '../apis/fieldError.ts';
import type { KINDS_BY_NAME } from '../apis/kinds.ts';
import { RUN as LABELS } from '../apis/labels.ts';

/** What docs/contract.md says of a kind beside the tables, which follow from the schema and the annotation table. */
export interface KindNotes {
  /** Before the table of fields. */
  before?: string;
  /** After it. */
  after?: string;
  /** Its fields are those of another kind's template, so it has no table. */
  fieldsOfTemplate?: true;
  beforeAnnotations?: string;
  afterAnnotations?: string;
}

const UNKNOWN = keyed('metadata.annotations', 'run.googleapis.com/...');

/** By the names of the kinds; a kind without notes has its tables alone. */
export const KIND_NOTES: { readonly [K in keyof typeof KINDS_BY_NAME]?: KindNotes } = {
  services: {
    beforeAnnotations: `Other keys of \`run.googleapis.com\`, \`autoscaling.knative.dev\` and \`homerun.dev\` have no effect: \`${UNKNOWN}\` gives a
warning, and is rejected when strict. Keys of other prefixes are kept as they are.`,
    before: `A Configuration has the same \`spec.template\`. The \`spec\` of a Revision has the fields of \`spec.template.spec\` and is
immutable.`,
    after: `The \`readinessProbe\` of the ingress container is run by the gateways and is not part of the pod; the kubelet runs those of other
containers ([gateway](gateway.md#readiness-probes)).`,
  },
  routes: {
    after: `### Gradual roll-out

A new latest revision gets the traffic of the targets that follow it at once, or gradually if \`${SERVING.rolloutDuration}\` of the
Service or Route, or the chart value \`traffic.rolloutDurationSeconds\`, is more than 0: 1 % when it is ready, and the rest in equal
steps of at least 1 % and one second until that time is over (Knative Serving, Configuring gradual rollout of traffic to Revisions).

- \`status.traffic\` has the shares in force, the oldest revision first. Ready is Unknown with the reason RolloutInProgress until the end.
- A revision that becomes ready in the middle begins with 1 % at once. What it gets is taken from the newest of the others first.
- An older revision that is deleted, or of which no instance can start, loses its share at once.
- Changed percentages, named revisions and the address of a tag apply at once; on Knative, a tag's address moves gradually too.
- A duration of \`0s\` is none, also during a roll-out, which it ends; on Knative, it stands for the default. To stop or undo a
  roll-out, name revisions in \`spec.traffic\`.
- It follows the time alone: it does not look at errors, starts no instances ahead, and a controller that has been down continues
  with the shares of the present time. Instances follow the load. A minimum of the service is divided by the shares in force; a
  revision keeps its own minimum until it has no share. A client with session affinity stays with its revision until then.`,
  },
  configurations: { fieldsOfTemplate: true },
  revisions: { fieldsOfTemplate: true },
  jobs: {
    afterAnnotations: `Executions inherit the template's annotations, except for those that describe the template itself. \`${HOMERUN.overrides}\` is JSON such as
\`{"containerOverrides":[{"name":"a","args":["b"],"env":[{"name":"C","value":"d"}]}],"taskCount":2,"timeoutSeconds":60}\`;
\`clearArgs\` removes the job's arguments. A \`${HOMERUN.schedule}\` has five fields, or is \`@hourly\`,
\`@daily\`, \`@weekly\`, \`@monthly\` or \`@yearly\`.`,
    before: `\`kubectl get jobs\` lists the Jobs of \`batch/v1\`, as on every cluster. Use \`rj\`, \`crjob\` or
\`jobs.run.googleapis.com\`, and \`kubectl get executions -l ${LABELS.job}=NAME\` for the executions of a job
(short names: \`exec\` and \`crexec\`).

Containers and volumes have the fields of a service's; this table lists only the differences. With several containers, the
main container is the first one that no other container depends on (annotation
\`${RUN.containerDependencies}\`), or the first container without that annotation. The task ends with its main
container, and the other containers end with the task. An execution with a task count of 0 completes at once.`,
  },
  executions: {
    fieldsOfTemplate: true,
    before: `Its \`spec\` has the fields of a job's \`spec.template.spec\`, and the label \`${LABELS.job}\` names the job. Fields
that the \`spec\` leaves out are copied from the job, \`containers\` and \`volumes\` each as a whole; then
\`${HOMERUN.overrides}\` is applied, and the execution is immutable from then on. It is owned by its job and deleted with
it.`,
  },
  workerPools: {
    before: `Its template has the fields of a service's; this table lists only the differences. A worker pool receives no requests, so
its containers have no ports, and fields about requests do not exist.`,
    after: `The number of instances is set in two places. \`${RUN.manualInstanceCount}\` is where Cloud Run's v1 API has
it, and what manifests contain. \`spec.manualInstanceCount\` is the number in force, and what the subresource \`/scale\` reads
and writes for \`kubectl scale\`, a HorizontalPodAutoscaler or KEDA. The most recent change counts: admission writes the
field when the annotation is new or has another value, and leaves it alone otherwise. So a number set by an autoscaler is
kept when the same manifest is applied again, by client-side or server-side apply, by Helm or by Argo CD; a manifest with
another number in its annotation sets that number. Leave the field itself out of manifests.`,
  },
  domainMappings: {
    before: `Its name is the domain, such as \`www.example.com\`, of two labels or more and without wildcards. Who has a domain keeps it,
be it a mapping or a service whose URL it is; the other says so in its conditions and gets it when the first one goes
([domains](gateway.md#domains)). With \`certificateMode: AUTOMATIC\` a certificate is issued where the chart's value
\`gateway.tls.issuer\` names an issuer of cert-manager ([certificates](gateway.md#certificates-for-domains)).`,
  },
};
