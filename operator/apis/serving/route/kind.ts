import { SERVING } from '../../annotations/serving.ts';
import { defineKind } from '../../kind.ts';
import { READY_COLUMNS } from '../statusSchema.ts';
import { defaultRoute } from './defaults.ts';
import { RouteSpecSchema, RouteStatusSchema } from './schema.ts';
import { ROUTES, type Route } from './types.ts';
import { validateRoute } from './validation.ts';

/** Route: which revisions answer at a URL, and for which share of the traffic. */
export const ROUTE = defineKind<Route>(ROUTES, {
  shortNames: ['rt'],
  categories: ['all', 'knative', 'serving'],
  description: 'Which revisions answer at a URL, and for which share of the traffic.',
  columns: [{ name: 'URL', type: 'string', jsonPath: '.status.url' }, ...READY_COLUMNS],
  maxNameLength: 63,
  spec: RouteSpecSchema,
  parts: ['spec.traffic'],
  status: RouteStatusSchema,
  rules: [],
  authors: SERVING,
  default: defaultRoute,
  validate: validateRoute,
});
