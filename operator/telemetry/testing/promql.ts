import type { SyntaxNode, Tree } from '@lezer/common';
import { parser } from '@prometheus-io/lezer-promql';
import { registry } from '../metrics.ts';

/** What an expression of PromQL reads. */
export interface Selection {
  metric: string;
  /** Labels by which it selects. */
  labels: string[];
}

export interface Expression {
  selections: Selection[];
  /** Labels by which it groups or joins. */
  grouping: string[];
}

/**
 * Reads an expression by Prometheus' own grammar (that of its query editor).
 * @throws {SyntaxError} when it is none.
 */
export function parseExpression(text: string): Expression {
  const tree = parser.parse(text);
  const expression: Expression = { selections: [], grouping: [] };
  tree.iterate({
    enter({ type, node, from }) {
      if (type.isError) throw new SyntaxError(`no PromQL at ${from}: ${text}`);
      if (type.name === 'VectorSelector') expression.selections.push(selectionOf(node, text));
      if (type.name === 'GroupingLabels') expression.grouping.push(...namesBelow(node, text));
    },
  } satisfies Parameters<Tree['iterate']>[0]);
  return expression;
}

function selectionOf(node: SyntaxNode, text: string): Selection {
  const name = node.getChild('Identifier');
  if (!name) throw new SyntaxError(`a selector without a name: ${text}`);
  const matchers = node.getChild('LabelMatchers');
  const labels = matchers ? namesBelow(matchers, text) : [];
  return { metric: text.slice(name.from, name.to), labels };
}

function namesBelow(node: SyntaxNode, text: string): string[] {
  const names: string[] = [];
  node.cursor().iterate(({ name, from, to }) => {
    if (name === 'LabelName') names.push(text.slice(from, to));
  });
  return names;
}

interface Declared {
  name: string;
  type?: string;
  labelNames?: readonly string[];
}

/** Every name that an expression may use, with the labels that we declare for it. */
export function declaredSeries(): Map<string, readonly string[]> {
  const metrics = registry.getMetricsAsArray() as unknown as Declared[];
  return new Map(
    metrics.flatMap((metric) => {
      const { name, type = metric.constructor.name.toLowerCase(), labelNames = [] } = metric;
      if (type !== 'histogram') return [[name, labelNames]] as const;
      return ['_bucket', '_sum', '_count'].map((end): [string, readonly string[]] => [
        name + end,
        end === '_bucket' ? [...labelNames, 'le'] : labelNames,
      ]);
    }),
  );
}

/** Labels that Prometheus gives to all that it reads from a pod. */
export const TARGET_LABELS: readonly string[] = ['pod'];

/**
 * What an expression uses and we do not declare, a sentence each.
 * @throws {SyntaxError} when it is no expression.
 */
export function undeclared(text: string, series = declaredSeries()): string[] {
  const { selections, grouping } = parseExpression(text);
  const known = [...TARGET_LABELS, ...selections.flatMap(({ metric }) => series.get(metric) ?? [])];
  return [
    ...(selections.length > 0 ? [] : ['it reads no series']),
    ...selections.flatMap(({ metric, labels }) => {
      const declared = series.get(metric);
      if (!declared) return [`there is no series ${metric}`];
      const wrong = labels.filter((label) => ![...TARGET_LABELS, ...declared].includes(label));
      return wrong.map((label) => `${metric} has no label ${label}`);
    }),
    ...grouping.filter((label) => !known.includes(label)).map((label) => `no series has a label ${label}`),
  ];
}
