import type { KindDefinition } from '../../schema.ts';
import { READY_COLUMNS } from '../statusSchema.ts';
import { RouteSpecSchema, RouteStatusSchema } from './schema.ts';

/** Route: which revisions answer at a URL, and for which share of the traffic. */
export const ROUTE: KindDefinition = {
  group: 'serving.knative.dev',
  version: 'v1',
  kind: 'Route',
  plural: 'routes',
  singular: 'route',
  shortNames: ['rt'],
  categories: ['all', 'knative', 'serving'],
  description: 'Which revisions answer at a URL, and for which share of the traffic.',
  columns: [{ name: 'URL', type: 'string', jsonPath: '.status.url' }, ...READY_COLUMNS],
  maxNameLength: 63,
  spec: RouteSpecSchema,
  status: RouteStatusSchema,
  rules: [],
};
