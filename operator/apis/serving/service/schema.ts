import { object } from '../../schema.ts';
import { RevisionTemplateSchema } from '../revision/schema.ts';
import { addressFields, latestRevisionFields, statusFields } from '../statusSchema.ts';
import { ServiceTrafficSchema, TrafficStatusSchema } from '../traffic/schema.ts';

/** Maximum length of a service name on Cloud Run; here it is that of a DNS label. */
export const MAX_CLOUD_RUN_NAME = 49;

/** `spec` of a service. */
export const ServiceSpecSchema = object('Desired state.', {
  template: RevisionTemplateSchema,
  traffic: ServiceTrafficSchema,
});

/** `status` of a service. */
export const ServiceStatusSchema = object('Observed state of the service.', {
  ...statusFields,
  ...addressFields,
  ...latestRevisionFields,
  traffic: TrafficStatusSchema,
});
