/** What Grafana shows, as far as Homerun says so; operator/generate/dashboards.ts makes Grafana's JSON of it. */
export interface Dashboard {
  /** Its name in the chart's files and in URLs: `homerun-operators`. */
  uid: string;
  title: string;
  description: string;
  variables: readonly Variable[];
  rows: readonly Row[];
}

/** A choice above the dashboard, used in expressions as `$name`. */
export interface Variable {
  name: string;
  title: string;
  /** The series and the label whose values can be chosen. */
  series: string;
  label: string;
  /** Takes the value out of the label's, by its first group; all of it when left out. */
  pattern?: string;
  /** Whether several, or all, can be chosen; expressions compare it by `=~` then. */
  many?: boolean;
}

export interface Row {
  title: string;
  panels: readonly Panel[];
}

export interface Panel {
  title: string;
  /** Of the values, as Grafana names it. */
  unit: 'short' | 's' | 'bytes' | 'reqps' | 'percentunit';
  /** `graph` over time when left out, or the present `value`. */
  as?: 'graph' | 'value';
  /** What is not plain to see in it. */
  description?: string;
  queries: readonly Query[];
}

export interface Query {
  /** PromQL; `$__rate_interval` is Grafana's own: the shortest time over which a rate means something. */
  expr: string;
  /** The name of each line, with `{{label}}`. */
  legend: string;
}

/** A panel with one query. */
export function panel(
  title: string,
  unit: Panel['unit'],
  expr: string,
  legend: string,
  more: Pick<Panel, 'as' | 'description'> = {},
): Panel {
  return { title, unit, ...more, queries: [{ expr, legend }] };
}

/** A panel of the median and the slow end of a histogram. @param selector labels and range are added to it. */
export function quantiles(
  title: string,
  histogram: string,
  { selector = '', by = [] as readonly string[], description = undefined as string | undefined } = {},
): Panel {
  const labels = by.map((label) => ` {{${label}}}`).join('');
  const rate = `sum by (${[...by, 'le'].join(', ')}) (rate(${histogram}_bucket${selector}[$__rate_interval]))`;
  const queries = [0.5, 0.95, 0.99].map((q) => ({
    expr: `histogram_quantile(${q}, ${rate})`,
    legend: `p${q * 100}${labels}`,
  }));
  return { title, unit: 's', ...(description && { description }), queries };
}
