import type { Condition } from '../../apis/condition.ts';
import {
  DOMAIN_MAPPING_REASONS as REASONS,
  DOMAIN_MAPPING_CONDITIONS as TYPES,
} from '../../apis/domains/domainMapping/conditions.ts';
import type { DomainMapping } from '../../apis/domains/domainMapping/types.ts';
import type { Config } from '../../config.ts';
import { NO_CHANGES, type Plan } from '../../kube/plan.ts';
import {
  CERTIFICATES,
  type Certificate,
  type CertificateRequest,
  issuanceOf,
  issuingOf,
} from './certManager.ts';
import {
  type ChildKind,
  type ChildState,
  childMetadata,
  childText,
  type DomainMappingConfig,
  type Finding,
  findingOf,
  planChild,
  sentence,
} from './child.ts';

type Issuing = Config['gateway']['certificates'];

/** The Certificates of mappings, in the namespace whose Secrets the gateways read. */
export const CERTIFICATE: ChildKind<Certificate> = {
  type: CERTIFICATES,
  api: 'cert-manager',
  namespace: (config) => issuingOf(config)?.namespace,
  hosts: ({ spec }) => spec.dnsNames,
  reasons: {
    unavailable: REASONS.certManagerMissing,
    refused: REASONS.certificateProvisionFailed,
    notOwned: REASONS.certificateNotOwned,
    notReady: REASONS.certificateNotReady,
  },
};

/** What is known of a domain's certificate. */
export interface CertificateState extends ChildState<Certificate> {
  /** The last attempt to have it issued. */
  request?: CertificateRequest;
}

/** The Certificate for the domain of a mapping. */
export function desiredCertificate(
  mapping: Pick<DomainMapping, 'metadata'>,
  { namespace, issuer: { name, kind, group } }: Issuing,
): Certificate {
  const { apiVersion, kind: own } = CERTIFICATES;
  const metadata = childMetadata(mapping, namespace);
  const issuerRef = { name, kind, group };
  return {
    apiVersion,
    kind: own,
    metadata,
    spec: { secretName: metadata.name, dnsNames: [mapping.metadata.name], issuerRef },
  };
}

/** What to do about the Certificate of a mapping. */
export function planCertificate(
  mapping: DomainMapping,
  state: CertificateState,
  routable: Condition,
  config: DomainMappingConfig,
): Plan {
  const issuing = issuingOf(config);
  if (!issuing) return NO_CHANGES;
  const isAutomatic = mapping.spec.certificateMode !== 'NONE';
  const desired = isAutomatic ? desiredCertificate(mapping, issuing) : undefined;
  return planChild(CERTIFICATE, mapping, state, routable, desired);
}

/**
 * Whether a certificate was issued. Without an issuer it is a warning, so that a domain is ready without TLS: a certificate
 * can come from elsewhere, and none be wanted.
 */
export function certificateCondition(
  mapping: DomainMapping,
  state: CertificateState,
  config: DomainMappingConfig,
): Condition {
  const type = TYPES.certificateProvisioned;
  const { name } = mapping.metadata;
  if (mapping.spec.certificateMode === 'NONE') {
    const message = 'The certificate mode is NONE.';
    return { type, status: 'True', reason: REASONS.tlsNotEnabled, message };
  }
  if (!issuingOf(config)) {
    const message = `No certificate is issued for '${name}' here: put one into a Secret that the gateways read (gateway.tls).`;
    return { type, status: 'False', severity: 'Warning', reason: REASONS.issuerMissing, message };
  }
  const finding = findingOf(CERTIFICATE, mapping, state, config, (found) =>
    unissued(found, state.request, childText(CERTIFICATE, name, config)),
  );
  if (!finding) return { type, status: 'True' };
  const { status, reason, why } = finding;
  return { type, status, reason, message: sentence(`No certificate has been issued for '${name}': ${why}`) };
}

/** Why a Certificate is not issued; undefined when it is. */
function unissued(
  found: Certificate,
  request: CertificateRequest | undefined,
  what: string,
): Finding | undefined {
  const { status, message = 'cert-manager has not answered yet' } = issuanceOf(found, request);
  if (status === 'issued') return undefined;
  const why = `${what} is not ready: ${message}`;
  return status === 'failed'
    ? { status: 'False', reason: REASONS.certificateProvisionFailed, why }
    : { status: 'Unknown', reason: REASONS.certificateNotReady, why };
}
