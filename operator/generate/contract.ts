import { ANNOTATION_RULES, type AnnotationHolder } from '../apis/annotationRules.ts';
import { keyed } from '../apis/fieldError.ts';
import { ANNOTATION_EFFECTS, POOL_EFFECTS } from '../webhook/admission/effects.ts';
import { KIND_ADMISSIONS } from '../webhook/admission/kindAdmission.ts';
import { failureRulesSection } from './failureRules.ts';
import { fieldRows, type Row, rowsBeside, type Schema } from './fields.ts';
import type { GeneratedFile } from './file.ts';
import { insideSection } from './runtimeContract.ts';

// The table of what is accepted, warned of and refused, as the law that admission applies has it.

type Places = Partial<Record<AnnotationHolder, string>>;

/** What annotations stand on, and what the tables call it. */
const SERVICE: Places = { service: 'object', revision: 'template' };
const WORKER_POOL: Places = { workerPool: 'object', revision: 'template' };
const JOB: Places = { job: 'job', executionTemplate: 'template', execution: 'execution' };

function annotationRows(where: Places, effects = ANNOTATION_EFFECTS): Row[] {
  return [...ANNOTATION_RULES].flatMap(([key, { on, check }]) => {
    const places = on.flatMap((holder) => where[holder] ?? []);
    if (places.length === 0) return [];
    const { does, says } = effects[key] ?? { does: 'kept' };
    const verdict = { same: 'accepted', kept: 'accepted, steers nothing', other: 'warned' }[does];
    return [
      {
        field: key,
        values: check('\0') ?? 'any text',
        usual: places.join(', '),
        verdict: says ? `${verdict}: ${says}` : verdict,
      },
    ];
  });
}

function rulesOf(schema: Schema, path: string): string[] {
  const own = (schema['x-kubernetes-validations'] ?? []).map(({ message }) => `\`${path}\`: ${message}`);
  const below = [
    ...Object.entries(schema.properties ?? {}).map(([name, inner]) => [inner, `${path}.${name}`] as const),
    ...(schema.items ? [[schema.items, `${path}[]`] as const] : []),
  ];
  return [...own, ...below.flatMap(([inner, where]) => rulesOf(inner, where))];
}

/** Rules of containers and volumes are those of every kind, and told once. */
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

/** docs/contract.md: every field, annotation, default and limit, and what becomes of it. */
export function contractFile(): GeneratedFile {
  const unknown = keyed('metadata.annotations', 'run.googleapis.com/...');
  const rules = Object.values(KIND_ADMISSIONS).flatMap(({ definition, written }) => [
    ...definition.rules.map(({ message }) => `\`${definition.kind}\`: ${message}`),
    // Their fields are those of the templates that they are made from.
    ...(['Revision', 'Execution'].includes(definition.kind) ? [] : rulesOf(written as Schema, 'spec')),
  ]);
  const text = `<!-- Generated from operator/apis and operator/webhook by "npm run generate"; do not edit. -->
# What is accepted, warned of and refused

Homerun takes what Cloud Run's v1 API takes, and by default what Knative Serving takes beyond it. For each field and
annotation this page tells one of:

- **accepted**: it does what Cloud Run's documents say.
- **accepted, steers nothing**: it is stored and shown; it tells something, or what it asks for is so anyhow.
- **warned**: it is accepted, and kubectl prints a warning that says what a cluster does instead.
- **warned, refused when strict**: Knative Serving allows it and Cloud Run does not. The chart value \`strict\` decides.
- **refused**: by everybody. All that is wrong with an object comes in one answer, each fault with its field, its value
  and what is allowed.

Defaults are filled in when an object is made or changed, as Cloud Run does. A part that is sent back as it is stored
stays as it is, so neither applying the same YAML again nor an upgrade of Homerun makes a revision.
\`serving.knative.dev/creator\` and \`serving.knative.dev/lastModifier\`, on jobs and executions \`run.googleapis.com/creator\`
and \`run.googleapis.com/lastModifier\`, are set from the user who asks.

## Annotations of a Service and of its template

Keys of \`run.googleapis.com\`, \`autoscaling.knative.dev\` and \`homerun.dev\` that are not listed have no effect: \`${unknown}\` is warned
of, and refused when strict. Other keys are kept as they are.

${table(['annotation', 'value', 'where', 'verdict'], annotationRows(SERVICE))}

## Fields of a Service

A Configuration has the same \`spec.template\`; the \`spec\` of a Revision has the fields of \`spec.template.spec\`, and never
changes.

${table(FIELDS, fieldRows('Service'))}

## Fields of a Route

${table(FIELDS, fieldRows('Route'))}

${insideSection()}
${failureRulesSection()}
## Annotations of a Job, of its template and of an Execution

${table(['annotation', 'value', 'where', 'verdict'], annotationRows(JOB))}

The template's annotations are those of each execution that is made, except for those that say something about the
template itself. \`homerun.dev/overrides\` is JSON such as
\`{"containerOverrides":[{"name":"a","args":["b"],"env":[{"name":"C","value":"d"}]}],"taskCount":2,"timeoutSeconds":60}\`;
\`clearArgs\` takes the arguments of the job away. A \`homerun.dev/schedule\` has five fields, or is \`@hourly\`,
\`@daily\`, \`@weekly\`, \`@monthly\` or \`@yearly\`.

## Fields of a Job

\`kubectl get jobs\` means the jobs of \`batch/v1\`, as on every cluster: ask for \`rj\`, \`crjob\` or
\`jobs.run.googleapis.com\`, and for the executions of a job with \`kubectl get executions -l run.googleapis.com/job=NAME\`
(\`exec\` and \`crexec\` for short).

Containers and volumes have the fields of a service's; here are those that are told otherwise. With several
containers, the first that nobody waits for by annotation \`run.googleapis.com/container-dependencies\` is the main
container; without the annotation that is the first one. The task ends with it, and the others end with the task. A task
count of 0 makes an execution that is complete at once.

${table(FIELDS, rowsBeside(fieldRows('Job'), fieldRows('Service')))}

## Fields of an Execution

Its \`spec\` has the fields of a job's \`spec.template.spec\`, and label \`run.googleapis.com/job\` names the job. What the
\`spec\` leaves out is as the job has it, field by field, \`containers\` and \`volumes\` each as a whole; then what
\`homerun.dev/overrides\` says is put in, and the execution never changes again. It belongs to its job and goes with it.

## Annotations of a WorkerPool and of its template

${table(['annotation', 'value', 'where', 'verdict'], annotationRows(WORKER_POOL, POOL_EFFECTS))}

## Fields of a WorkerPool

Its template has the fields of a service's; here are those that are told otherwise. A worker pool gets no requests, so
its containers have no ports, and nothing of a service that speaks of requests.

${table(FIELDS, rowsBeside(fieldRows('WorkerPool'), fieldRows('Service')))}

How many instances there are is said in two places. \`run.googleapis.com/manualInstanceCount\` is where Cloud Run's v1
API has it, and what manifests hold; \`spec.manualInstanceCount\` is the number in force, and what the subresource
\`/scale\` reads and writes, so \`kubectl scale\`, an HPA or KEDA set it. Whichever changed last counts: admission
writes the field when the annotation is new or has another value, and leaves it alone otherwise. So what an autoscaler
has set stays when the same manifest is applied again, by client-side or server-side apply, by Helm or by Argo CD; a
manifest with another number in its annotation sets that one. Leave the field itself out of manifests.

## Rules that hold without the webhook too

The definitions (CRDs) hold types, ranges and lengths, and these rules, so that the API server itself checks them.

${rulesOnce(rules)
  .map((rule) => `- ${rule}`)
  .join('\n')}
`;
  return { path: 'docs/contract.md', text };
}
