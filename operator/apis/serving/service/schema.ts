import { Type } from 'typebox';
import { RevisionTemplateSchema } from '../revision/schema.ts';
import { addressFields, latestRevisionFields, statusFields } from '../statusSchema.ts';
import { ServiceTrafficSchema, TrafficStatusSchema } from '../traffic/schema.ts';

/** Maximum length of a service name on Cloud Run; here it is that of a DNS label. */
export const MAX_CLOUD_RUN_NAME = 49;

/** `spec` of a service. */
export const ServiceSpecSchema = Type.Object(
  { template: RevisionTemplateSchema, traffic: ServiceTrafficSchema },
  { description: 'Desired state.' },
);

/** `status` of a service. */
export const ServiceStatusSchema = Type.Object(
  { ...statusFields, ...addressFields, ...latestRevisionFields, traffic: TrafficStatusSchema },
  { description: 'Observed state of the service.' },
);
