import { type AnnotationHolder, type Effect, effectOn } from '../apis/annotations/annotation.ts';
import { HOMERUN } from '../apis/annotations/homerun.ts';
import { RUN } from '../apis/annotations/run.ts';
import { SERVING } from '../apis/annotations/serving.ts';
import { ANNOTATIONS } from '../apis/annotations/table.ts';
import { keyed } from '../apis/fieldError.ts';
import { KINDS, KINDS_BY_NAME } from '../apis/kinds.ts';
import { RUN as LABELS } from '../apis/labels.ts';
import { failureRulesSection } from './failureRules.ts';
import { fieldRows, type Row, rowsBeside, type Schema } from './fields.ts';
import { type GeneratedFile, generatedFrom } from './file.ts';
import { runtimeContractSection } from './runtimeContract.ts';

// The reference of what is accepted, warned about and rejected, from the rules that admission applies.

type Places = Partial<Record<AnnotationHolder, string>>;

/** The objects that annotations are set on, by kind, and what the tables call them. */
const PLACES = {
  Service: { service: 'object', revision: 'template' },
  WorkerPool: { workerPool: 'object', revision: 'template' },
  Job: { job: 'job', executionTemplate: 'template', execution: 'execution' },
} as const satisfies Record<string, Places>;

const VERDICTS: Readonly<Record<Effect['outcome'], string>> = {
  honoured: 'accepted',
  stored: 'accepted, no effect',
  ignored: 'warned',
  knative: 'warned, rejected when strict',
};

function annotationTable(kind: keyof typeof PLACES): string {
  const places: Places = PLACES[kind];
  const rows = [...ANNOTATIONS.values()].flatMap((annotation) => {
    const where = annotation.on.flatMap((holder) => places[holder] ?? []);
    const { outcome, note } = effectOn(annotation, kind);
    const isKnative = outcome === 'knative';
    // Knative's own annotations are about scaling by load, which a worker pool does not have.
    if (where.length === 0 || (isKnative && kind === 'WorkerPool')) return [];
    const verdict = VERDICTS[outcome];
    return [
      {
        field: annotation.key,
        values: annotation.value?.allowed ?? (isKnative ? 'not checked' : 'any text'),
        usual: where.join(', '),
        verdict: note ? `${verdict}: ${note}` : verdict,
      },
    ];
  });
  return table(['annotation', 'value', 'where', 'verdict'], rows);
}

function rulesOf(schema: Schema, path: string): string[] {
  const own = (schema['x-kubernetes-validations'] ?? []).map(({ message }) => `\`${path}\`: ${message}`);
  const below = [
    ...Object.entries(schema.properties ?? {}).map(([name, inner]) => [inner, `${path}.${name}`] as const),
    ...(schema.items ? [[schema.items, `${path}[]`] as const] : []),
  ];
  return [...own, ...below.flatMap(([inner, where]) => rulesOf(inner, where))];
}

/** Rules of containers and volumes are the same for every kind, and are listed once. */
function rulesOnce(rules: readonly string[]): string[] {
  const shared = (rule: string) => /(?<=\.)(containers|volumes)\[\].*/.exec(rule)?.[0] ?? rule;
  return [...new Map(rules.toReversed().map((rule) => [shared(rule), rule])).values()].toReversed();
}

function table(head: readonly string[], rows: readonly Row[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [
    line(head),
    line(head.map(() => '---')),
    ...rows.map(({ field, values, usual, verdict }) => line([`\`${field}\``, values, usual, verdict])),
  ].join('\n');
}

const FIELDS = ['field', 'values', 'default', 'verdict'];

/** docs/contract.md: every field, annotation, default and limit, and what Homerun does with it. */
export function contractFile(): GeneratedFile {
  const unknown = keyed('metadata.annotations', 'run.googleapis.com/...');
  const rules = KINDS.flatMap(({ kind, rules, written }) => [
    ...rules.map(({ message }) => `\`${kind}\`: ${message}`),
    // Their fields are those of the templates that they are made from.
    ...(['Revision', 'Execution'].includes(kind) ? [] : rulesOf(written as Schema, 'spec')),
  ]);
  const text = `<!-- ${generatedFrom('operator/apis and operator/webhook')} -->
# Fields and annotations

Homerun accepts what Cloud Run's v1 API accepts and, by default, what Knative Serving accepts beyond it. This page has a
verdict for each field and annotation:

- **accepted**: it does what Cloud Run documents.
- **accepted, no effect**: it is stored and shown. It is informational, or what it asks for is always the case.
- **warned**: it is accepted, and kubectl prints a warning that says what the cluster does instead.
- **warned, rejected when strict**: Knative Serving allows it and Cloud Run does not. The chart value \`strict\` decides.

Everything else is rejected. One response lists all errors of an object, each with its field, its value and what is
allowed.

Defaults are set when an object is created or changed, as on Cloud Run. What is sent back as it is stored keeps its
value, so neither applying the same YAML again nor upgrading Homerun creates a revision.
\`${SERVING.creator}\` and \`${SERVING.lastModifier}\` (on jobs and executions
\`${RUN.creator}\` and \`${RUN.lastModifier}\`) are set to the requesting user.

## Annotations of a Service and of its template

Other keys of \`run.googleapis.com\`, \`autoscaling.knative.dev\` and \`homerun.dev\` have no effect: \`${unknown}\` gives a
warning, and is rejected when strict. Keys of other prefixes are kept as they are.

${annotationTable('Service')}

## Fields of a Service

A Configuration has the same \`spec.template\`. The \`spec\` of a Revision has the fields of \`spec.template.spec\` and is
immutable.

${table(FIELDS, fieldRows(KINDS_BY_NAME.services))}

## Fields of a Route

${table(FIELDS, fieldRows(KINDS_BY_NAME.routes))}

${runtimeContractSection()}
${failureRulesSection()}
## Annotations of a Job, of its template and of an Execution

${annotationTable('Job')}

Executions inherit the template's annotations, except for those that describe the template itself. \`${HOMERUN.overrides}\` is JSON such as
\`{"containerOverrides":[{"name":"a","args":["b"],"env":[{"name":"C","value":"d"}]}],"taskCount":2,"timeoutSeconds":60}\`;
\`clearArgs\` removes the job's arguments. A \`${HOMERUN.schedule}\` has five fields, or is \`@hourly\`,
\`@daily\`, \`@weekly\`, \`@monthly\` or \`@yearly\`.

## Fields of a Job

\`kubectl get jobs\` lists the Jobs of \`batch/v1\`, as on every cluster. Use \`rj\`, \`crjob\` or
\`jobs.run.googleapis.com\`, and \`kubectl get executions -l ${LABELS.job}=NAME\` for the executions of a job
(short names: \`exec\` and \`crexec\`).

Containers and volumes have the fields of a service's; this table lists only the differences. With several containers, the
main container is the first one that no other container depends on (annotation
\`${RUN.containerDependencies}\`), or the first container without that annotation. The task ends with its main
container, and the other containers end with the task. An execution with a task count of 0 completes at once.

${table(FIELDS, rowsBeside(fieldRows(KINDS_BY_NAME.jobs), fieldRows(KINDS_BY_NAME.services)))}

## Fields of an Execution

Its \`spec\` has the fields of a job's \`spec.template.spec\`, and the label \`${LABELS.job}\` names the job. Fields
that the \`spec\` leaves out are copied from the job, \`containers\` and \`volumes\` each as a whole; then
\`${HOMERUN.overrides}\` is applied, and the execution is immutable from then on. It is owned by its job and deleted with
it.

## Annotations of a WorkerPool and of its template

${annotationTable('WorkerPool')}

## Fields of a WorkerPool

Its template has the fields of a service's; this table lists only the differences. A worker pool receives no requests, so
its containers have no ports, and fields about requests do not exist.

${table(FIELDS, rowsBeside(fieldRows(KINDS_BY_NAME.workerPools), fieldRows(KINDS_BY_NAME.services)))}

The number of instances is set in two places. \`${RUN.manualInstanceCount}\` is where Cloud Run's v1 API has
it, and what manifests contain. \`spec.manualInstanceCount\` is the number in force, and what the subresource \`/scale\` reads
and writes for \`kubectl scale\`, a HorizontalPodAutoscaler or KEDA. The most recent change counts: admission writes the
field when the annotation is new or has another value, and leaves it alone otherwise. So a number set by an autoscaler is
kept when the same manifest is applied again, by client-side or server-side apply, by Helm or by Argo CD; a manifest with
another number in its annotation sets that number. Leave the field itself out of manifests.

## Rules that hold without the webhook

The CRDs contain all types, ranges and lengths, and the following rules. The API server checks them itself.

${rulesOnce(rules)
  .map((rule) => `- ${rule}`)
  .join('\n')}
`;
  return { path: 'docs/contract.md', text };
}
