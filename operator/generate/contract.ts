import { type AnnotationHolder, type Effect, effectOn } from '../apis/annotations/annotation.ts';
import { RUN } from '../apis/annotations/run.ts';
import { SERVING } from '../apis/annotations/serving.ts';
import { ANNOTATIONS } from '../apis/annotations/table.ts';
import type { KindDefinition } from '../apis/kind.ts';
import { KINDS_BY_NAME } from '../apis/kinds.ts';
import type { Schema } from '../apis/schemaValidation.ts';
import { SERVICE } from '../apis/serving/service/kind.ts';
import { failureRulesSection } from './failureRules.ts';
import { fieldRows, type Row, rowsBeside } from './fields.ts';
import { type GeneratedFile, generatedFrom } from './file.ts';
import { KIND_NOTES, type KindNotes } from './kindNotes.ts';
import { runtimeContractSection } from './runtimeContract.ts';

// The reference of what is accepted, warned about and rejected, from the rules that admission applies.

type Places = Partial<Record<AnnotationHolder, string>>;

/** The objects that annotations are set on, by kind, and what the tables call them. */
const ANNOTATED = {
  Service: {
    title: 'Annotations of a Service and of its template',
    places: { service: 'object', revision: 'template' },
  },
  WorkerPool: {
    title: 'Annotations of a WorkerPool and of its template',
    places: { workerPool: 'object', revision: 'template' },
  },
  Job: {
    title: 'Annotations of a Job, of its template and of an Execution',
    places: { job: 'job', executionTemplate: 'template', execution: 'execution' },
  },
} as const satisfies Record<string, { title: string; places: Places }>;

function isAnnotated(kind: string): kind is keyof typeof ANNOTATED {
  return Object.hasOwn(ANNOTATED, kind);
}

const RESULTS: Readonly<Record<Effect['outcome'], string>> = {
  honoured: 'accepted',
  stored: 'accepted, no effect',
  ignored: 'warned',
  knative: 'warned, rejected when strict',
};

function annotationTable(kind: keyof typeof ANNOTATED): string {
  const places: Places = ANNOTATED[kind].places;
  const rows = [...ANNOTATIONS.values()].flatMap((annotation) => {
    const where = annotation.on.flatMap((holder) => places[holder] ?? []);
    const { outcome, note } = effectOn(annotation, kind);
    const isKnative = outcome === 'knative';
    // Knative's own annotations are about scaling by load, which a worker pool does not have.
    if (where.length === 0 || (isKnative && kind === 'WorkerPool')) return [];
    const result = RESULTS[outcome];
    return [
      {
        field: annotation.key,
        values: annotation.value?.allowed ?? (isKnative ? 'not checked' : 'any text'),
        usual: where.join(', '),
        result: note ? `${result}: ${note}` : result,
      },
    ];
  });
  return table(['annotation', 'value', 'where', 'result'], rows);
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
    ...rows.map(({ field, values, usual, result }) => line([`\`${field}\``, values, usual, result])),
  ].join('\n');
}

const FIELDS = ['field', 'values', 'default', 'result'];

function namedKinds(): [KindDefinition, KindNotes][] {
  return Object.entries<KindDefinition>(KINDS_BY_NAME).map(([name, definition]) => [
    definition,
    KIND_NOTES[name as keyof typeof KINDS_BY_NAME] ?? {},
  ]);
}

/** Annotations and fields of each kind. What a kind's containers and volumes have in common with a Service's is listed there. */
function kindSections(): string {
  const service = fieldRows(SERVICE);
  const sections = namedKinds().flatMap(([definition, notes]) => {
    const { kind } = definition;
    const rows = kind === SERVICE.kind ? service : rowsBeside(fieldRows(definition), service);
    const fields = notes.fieldsOfTemplate ? undefined : table(FIELDS, rows);
    const title = `Fields of ${article(kind)} ${kind}`;
    return [annotationSection(kind, notes), section(title, notes.before, fields, notes.after)];
  });
  return sections.filter((text) => text !== '').join('\n\n');
}

function annotationSection(kind: string, { beforeAnnotations, afterAnnotations }: KindNotes): string {
  if (!isAnnotated(kind)) return '';
  return section(ANNOTATED[kind].title, beforeAnnotations, annotationTable(kind), afterAnnotations);
}

function section(title: string, ...parts: (string | undefined)[]): string {
  const present = parts.filter((part) => part !== undefined);
  return present.length > 0 ? [`## ${title}`, ...present].join('\n\n') : '';
}

function article(kind: string): string {
  return /^[AEIO]/.test(kind) ? 'an' : 'a';
}

/** docs/contract.md: every field, annotation, default and limit, and what Homerun does with it. */
export function contractFile(): GeneratedFile {
  const rules = namedKinds().flatMap(([{ kind, rules, written }, { fieldsOfTemplate }]) => [
    ...rules.map(({ message }) => `\`${kind}\`: ${message}`),
    ...(fieldsOfTemplate ? [] : rulesOf(written as Schema, 'spec')),
  ]);
  const text = `<!-- ${generatedFrom('operator/apis and operator/webhook')} -->
# Fields and annotations

Homerun accepts what Cloud Run's v1 API accepts and, by default, what Knative Serving accepts beyond it. Each field and
annotation has one of these results:

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

${kindSections()}

${runtimeContractSection()}
${failureRulesSection()}
## Rules that hold without the webhook

The CRDs contain all types, ranges and lengths, and the following rules. The API server checks them itself.

${rulesOnce(rules)
  .map((rule) => `- ${rule}`)
  .join('\n')}
`;
  return { path: 'docs/contract.md', text };
}
