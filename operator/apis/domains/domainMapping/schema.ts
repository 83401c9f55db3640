import { Type } from 'typebox';
import { MAX_NAME } from '../../names.ts';
import { choice, DNS_LABEL, flag, list, object, requiredChoice, requiredText, text } from '../../schema.ts';
import { statusFields } from '../../serving/statusSchema.ts';

/** What `spec.certificateMode` may be; Cloud Run's API has the first only as the value of a field that is not set. */
export const CERTIFICATE_MODES = ['CERTIFICATE_MODE_UNSPECIFIED', 'NONE', 'AUTOMATIC'] as const;

const ResourceRecord = Type.Object({
  name: text(253, 'Name of the record, relative to the domain that it is in; unset for the domain itself.'),
  type: requiredChoice(['A', 'AAAA', 'CNAME'], 'Type of the record.'),
  rrdata: requiredText(253, 'Data of the record.'),
});

/** `spec` of a domain mapping (Cloud Run API v1, DomainMappingSpec). */
export const DomainMappingSpecSchema = object('Desired state.', {
  routeName: requiredText(MAX_NAME, 'Service, or route, of the same namespace that answers at the domain.', {
    pattern: DNS_LABEL,
  }),
  certificateMode: choice(
    CERTIFICATE_MODES,
    'Whether a certificate is issued for the domain: AUTOMATIC, which is the default, or NONE.',
  ),
  forceOverride: flag('Whether the mapping takes the domain from a mapping that had it before.'),
});

/** `status` of a domain mapping (Cloud Run API v1, DomainMappingStatus). */
export const DomainMappingStatusSchema = object('Observed state of the domain mapping.', {
  ...statusFields,
  mappedRouteName: text(MAX_NAME, 'Route that answers at the domain; unset while none does.'),
  resourceRecords: list(ResourceRecord, 10, 'DNS records that lead the domain to the gateways.'),
  url: text(2048, 'URL of the domain.'),
});
