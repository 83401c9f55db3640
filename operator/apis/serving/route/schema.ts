import { Type } from 'typebox';
import type { KindDefinition } from '../../schema.ts';
import { addressFields, READY_COLUMNS, statusFields } from '../statusSchema.ts';
import { RouteTrafficSchema, TrafficStatusSchema } from '../traffic/schema.ts';

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
  spec: Type.Object({ traffic: RouteTrafficSchema }, { description: 'What is wanted.' }),
  status: Type.Object(
    { ...statusFields, ...addressFields, traffic: TrafficStatusSchema },
    { description: 'What is known of the route.' },
  ),
  rules: [],
};
