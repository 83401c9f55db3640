import type { Condition } from '../../apis/condition.ts';
import {
  DOMAIN_MAPPING_REASONS as REASONS,
  DOMAIN_MAPPING_CONDITIONS as TYPES,
} from '../../apis/domains/domainMapping/conditions.ts';
import type { DomainMapping } from '../../apis/domains/domainMapping/types.ts';
import { MAPPING_NAMESPACE } from '../../apis/labels.ts';
import { certificateName } from '../../apis/names.ts';
import type { Config } from '../../config.ts';
import { type Plan, type Removal, removalOf } from '../../kube/plan.ts';
import {
  CERTIFICATES,
  type Certificate,
  type CertificateRequest,
  issuanceOf,
  issuingOf,
  mappingsOfCertificate,
} from './certManager.ts';

type Issuing = Config['gateway']['certificates'];

/** What is known of a domain's certificate. */
export interface CertificateState {
  /** The Certificate of the domain's name, whoever has made it. */
  found?: Certificate;
  /** The last attempt to have it issued. */
  request?: CertificateRequest;
  /** Why the API of cert-manager cannot be used, as a sentence. */
  unavailable?: string;
  /** Why the Certificate could not be written, as the API server says it. */
  refused?: string;
}

/** The Certificate for the domain of a mapping, in the namespace whose Secrets the gateways read. */
export function desiredCertificate(
  { metadata }: Pick<DomainMapping, 'metadata'>,
  { namespace, issuer: { name, kind, group } }: Issuing,
): Certificate {
  const own = certificateName(metadata.name);
  return {
    apiVersion: CERTIFICATES.apiVersion,
    kind: CERTIFICATES.kind,
    metadata: { name: own, namespace, labels: { [MAPPING_NAMESPACE]: metadata.namespace ?? '' } },
    spec: { secretName: own, dnsNames: [metadata.name], issuerRef: { name, kind, group } },
  };
}

/** The Certificate of a mapping that is gone; no owner reference leads from one namespace to another. */
export function orphanedCertificate(key: string, found: Certificate | undefined): Removal[] {
  return found && mappingsOfCertificate(found).includes(key) ? [removalOf(CERTIFICATES, found)] : [];
}

/**
 * What to do about the Certificate of a mapping. It is asked for once the status says that the mapping has its domain, so
 * that of two that claim one domain the same has both. It stays while the service is missing, and goes when the domain is
 * another's.
 */
export function planCertificate(
  {
    mapping,
    certificate: { found, unavailable } = {},
  }: { mapping: DomainMapping; certificate?: CertificateState },
  routable: Condition,
  config: Parameters<typeof issuingOf>[0],
): Pick<Plan, 'apply' | 'remove'> {
  const issuing = issuingOf(config);
  const none = { apply: [], remove: [] };
  if (!issuing || unavailable !== undefined) return none;
  const { namespace, name } = mapping.metadata;
  const isAutomatic = mapping.spec.certificateMode !== 'NONE';
  const isLost = routable.reason === REASONS.hostTaken || routable.reason === REASONS.hostReserved;
  if (!isAutomatic || isLost) return { ...none, remove: orphanedCertificate(`${namespace}/${name}`, found) };
  const hasDomain = routable.status === 'True' && mapping.status?.mappedRouteName !== undefined;
  if (!hasDomain || isForeign(found)) return none;
  return { ...none, apply: [desiredCertificate(mapping, issuing)] };
}

/**
 * Whether a certificate was issued. Without an issuer it is a warning, so that a domain is ready without TLS: a certificate
 * can come from elsewhere, and none be wanted.
 */
export function certificateCondition(
  { metadata, spec }: DomainMapping,
  { found, request, unavailable, refused }: CertificateState,
  config: Parameters<typeof issuingOf>[0],
): Condition {
  const type = TYPES.certificateProvisioned;
  if (spec.certificateMode === 'NONE') {
    const message = 'The certificate mode is NONE.';
    return { type, status: 'True', reason: REASONS.tlsNotEnabled, message };
  }
  const issuing = issuingOf(config);
  if (!issuing) {
    const message = `No certificate is issued for '${metadata.name}' here: put one into a Secret that the gateways read (gateway.tls).`;
    return { type, status: 'False', severity: 'Warning', reason: REASONS.issuerMissing, message };
  }
  const not = (status: 'False' | 'Unknown', reason: string, why: string): Condition => ({
    type,
    status,
    reason,
    message: sentence(`No certificate has been issued for '${metadata.name}': ${why}`),
  });
  if (unavailable !== undefined) return not('False', REASONS.certManagerMissing, unavailable);
  const what = `Certificate '${certificateName(metadata.name)}' in namespace '${issuing.namespace}'`;
  if (isForeign(found)) {
    return not('False', REASONS.certificateNotOwned, `${what} exists and was made for something else`);
  }
  if (refused !== undefined) {
    return not('False', REASONS.certificateProvisionFailed, `the cluster refuses ${what}: ${refused}`);
  }
  if (!found || !mappingsOfCertificate(found).includes(`${metadata.namespace}/${metadata.name}`)) {
    return not(
      'Unknown',
      REASONS.certificateNotReady,
      'it is asked for when the domain leads to the service',
    );
  }
  const { status, message = 'cert-manager has not answered yet' } = issuanceOf(found, request);
  if (status === 'issued') return { type, status: 'True' };
  const because = `${what} is not ready: ${message}`;
  return status === 'failed'
    ? not('False', REASONS.certificateProvisionFailed, because)
    : not('Unknown', REASONS.certificateNotReady, because);
}

/** Whether somebody else has made the Certificate: it is neither changed nor removed. */
function isForeign(found: Certificate | undefined): boolean {
  return found !== undefined && found.metadata.labels?.[MAPPING_NAMESPACE] === undefined;
}

/** One line that ends in a full stop. */
function sentence(text: string): string {
  return `${text.replaceAll(/\s+/g, ' ').trim().replace(/\.$/, '')}.`;
}
