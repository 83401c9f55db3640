import { Type } from 'typebox';
import { addressFields, statusFields } from '../statusSchema.ts';
import { RouteTrafficSchema, TrafficStatusSchema } from '../traffic/schema.ts';

/** `spec` of a route. */
export const RouteSpecSchema = Type.Object(
  { traffic: RouteTrafficSchema },
  { description: 'What is wanted.' },
);

/** `status` of a route. */
export const RouteStatusSchema = Type.Object(
  { ...statusFields, ...addressFields, traffic: TrafficStatusSchema },
  { description: 'What is known of the route.' },
);
