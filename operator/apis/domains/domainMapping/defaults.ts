import type { DomainMapping } from './types.ts';

/** A domain mapping with its defaults set (Cloud Run API v1, CertificateMode). Pure and idempotent. */
export function defaultDomainMapping(mapping: DomainMapping): DomainMapping {
  const { certificateMode: mode = UNSPECIFIED } = mapping.spec;
  const certificateMode = mode === UNSPECIFIED ? 'AUTOMATIC' : mode;
  return { ...mapping, spec: { ...mapping.spec, certificateMode } };
}

const UNSPECIFIED = 'CERTIFICATE_MODE_UNSPECIFIED';
