import type { Dashboard, Panel, Variable } from '../telemetry/dashboards/dashboard.ts';
import { DASHBOARDS } from '../telemetry/dashboards/index.ts';
import { type GeneratedFile, generatedFrom } from './file.ts';

// Dashboards in Grafana's own form (its JSON model, schema version 39: Grafana 10.4 and newer).

const SCHEMA_VERSION = 39;
/** Grafana's grid is so wide. */
const COLUMNS = 24;
const SIZES = { graph: { w: 8, h: 8 }, value: { w: 4, h: 4 } } as const;
const TYPES = { graph: 'timeseries', value: 'stat' } as const;
const DATASOURCE = { type: 'prometheus', uid: '$datasource' };

/** charts/homerun/files/dashboards. */
export function dashboardFiles(): GeneratedFile[] {
  return DASHBOARDS.map((dashboard) => ({
    path: `charts/homerun/files/dashboards/${dashboard.uid}.json`,
    text: `${JSON.stringify(grafanaDashboard(dashboard), null, 2)}\n`,
  }));
}

/** What Grafana reads. Pure. */
export function grafanaDashboard({ uid, title, description, variables, rows }: Dashboard): object {
  return {
    // First, where whoever opens the file looks.
    description: `${description} ${generatedFrom('operator/telemetry/dashboards')}`,
    uid,
    title,
    tags: ['homerun'],
    schemaVersion: SCHEMA_VERSION,
    editable: false,
    refresh: '30s',
    time: { from: 'now-1h', to: 'now' },
    templating: { list: [datasource(), ...variables.map(variable)] },
    panels: panelsOf(rows),
  };
}

function datasource(): object {
  return { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus' };
}

function variable({ name, title, series, label, pattern, many = false }: Variable): object {
  return {
    name,
    label: title,
    type: 'query',
    datasource: DATASOURCE,
    query: { query: `label_values(${series}, ${label})`, refId: name },
    ...(pattern && { regex: `/^${pattern}$/` }),
    multi: many,
    includeAll: many,
    ...(many && { current: { text: ['All'], value: ['$__all'] } }),
    // When the time above the dashboard changes: revisions come and go.
    refresh: 2,
    sort: 1,
  };
}

/** Rows one below the other, and in each as many panels beside each other as there is room for. */
function panelsOf(rows: Dashboard['rows']): object[] {
  const placed: object[] = [];
  let y = 0;
  for (const { title, panels } of rows) {
    placed.push({ type: 'row', title, id: placed.length + 1, gridPos: { x: 0, y: y++, w: COLUMNS, h: 1 } });
    let x = 0;
    let height = 0;
    for (const panel of panels) {
      const { w, h } = SIZES[panel.as ?? 'graph'];
      if (x + w > COLUMNS) {
        y += height;
        [x, height] = [0, 0];
      }
      placed.push(grafanaPanel(panel, placed.length + 1, { x, y, w, h }));
      x += w;
      height = Math.max(height, h);
    }
    y += height;
  }
  return placed;
}

function grafanaPanel(
  { title, unit, as = 'graph', description, queries }: Panel,
  id: number,
  gridPos: object,
) {
  const targets = queries.map(({ expr, legend }, i) => ({
    refId: String.fromCharCode(65 + i),
    datasource: DATASOURCE,
    expr,
    legendFormat: legend,
    ...(as === 'value' && { instant: true }),
  }));
  return {
    id,
    type: TYPES[as],
    title,
    ...(description && { description }),
    datasource: DATASOURCE,
    gridPos,
    fieldConfig: { defaults: { unit }, overrides: [] },
    ...(as === 'graph' && { options: { tooltip: { mode: 'multi', sort: 'desc' } } }),
    targets,
  };
}
