import { Type } from 'typebox';
import { addressFields, statusFields } from '../statusSchema.ts';
import { RouteTrafficSchema, TrafficStatusSchema } from '../traffic/schema.ts';

/** `spec` of a route. */
export const RouteSpecSchema = Type.Object(
  { traffic: RouteTrafficSchema },
  { description: 'Desired state.' },
);

/** `status` of a route. */
export const RouteStatusSchema = Type.Object(
  { ...statusFields, ...addressFields, traffic: TrafficStatusSchema },
  { description: 'Observed state of the route.' },
);
