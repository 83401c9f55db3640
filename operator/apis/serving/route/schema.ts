import { object } from '../../schema.ts';
import { addressFields, statusFields } from '../statusSchema.ts';
import { RouteTrafficSchema, TrafficStatusSchema } from '../traffic/schema.ts';

/** `spec` of a route. */
export const RouteSpecSchema = object('Desired state.', { traffic: RouteTrafficSchema });

/** `status` of a route. */
export const RouteStatusSchema = object('Observed state of the route.', {
  ...statusFields,
  ...addressFields,
  traffic: TrafficStatusSchema,
});
