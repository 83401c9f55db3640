import { type Condition, conditionOf } from '../../apis/condition.ts';
import type { Config } from '../../config.ts';
import { type KubeObject, namespaced } from '../../kube/types.ts';
import type { Permission } from '../../rbac.ts';

// What is read and written of cert-manager's API (cert-manager, API reference).

/** A certificate that cert-manager keeps issued. */
export interface Certificate extends KubeObject {
  spec: {
    secretName: string;
    dnsNames?: string[];
    issuerRef: { name: string; kind: string; group: string };
  };
  status?: { conditions?: Condition[] };
}

/** One attempt of cert-manager to have a certificate issued. */
export interface CertificateRequest extends KubeObject {
  status?: { conditions?: Condition[] };
}

export const CERTIFICATES = namespaced<Certificate>('cert-manager.io/v1', 'Certificate', 'certificates');
export const CERTIFICATE_REQUESTS = namespaced<CertificateRequest>(
  'cert-manager.io/v1',
  'CertificateRequest',
  'certificaterequests',
);

/** Annotations of requests: the Certificate's name, and the number of the attempt. */
const OF_CERTIFICATE = 'cert-manager.io/certificate-name';
const REVISION = 'cert-manager.io/certificate-revision';

/** In the namespace for certificates, where the values name an issuer. */
export const certificatePermissions: readonly Permission[] = [
  {
    apiGroups: ['cert-manager.io'],
    resources: ['certificates'],
    verbs: ['get', 'list', 'watch', 'create', 'patch', 'delete'],
  },
  { apiGroups: ['cert-manager.io'], resources: ['certificaterequests'], verbs: ['get', 'list', 'watch'] },
];

/** What says whether certificates are issued. */
export interface CertificateConfig {
  gateway: Pick<Config['gateway'], 'certificates'>;
}

/** What is to issue certificates for domain mappings, and where; undefined when nothing is. */
export function issuingOf({
  gateway: { certificates },
}: CertificateConfig): Config['gateway']['certificates'] | undefined {
  return certificates.issuer.name === '' || certificates.namespace === '' ? undefined : certificates;
}

/** Name of the Certificate that a request is for, as an index. */
export function certificateOfRequest({ metadata: { annotations } }: CertificateRequest): string[] {
  const name = annotations?.[OF_CERTIFICATE];
  return name ? [name] : [];
}

/** The request that was made last. */
export function lastRequest(requests: readonly CertificateRequest[]): CertificateRequest | undefined {
  const revision = ({ metadata }: CertificateRequest) => Number(metadata.annotations?.[REVISION] ?? 0);
  return requests.reduce<CertificateRequest | undefined>(
    (last, request) => (last && revision(last) > revision(request) ? last : request),
    undefined,
  );
}

/** What cert-manager says of a Certificate. */
export interface Issuance {
  status: 'issued' | 'failed' | 'pending';
  /** Unset when it is issued, and when cert-manager has not said anything yet. */
  message?: string;
}

/**
 * How far a Certificate is (cert-manager, Certificate resource: conditions Ready and Issuing). Its own conditions do not say
 * what holds an attempt up, for example an issuer that does not exist; the request's do.
 */
export function issuanceOf({ status }: Certificate, request?: CertificateRequest): Issuance {
  const ready = conditionOf(status?.conditions, 'Ready');
  if (ready?.status === 'True') return { status: 'issued' };
  const issuing = conditionOf(status?.conditions, 'Issuing');
  if (issuing?.status === 'False') return { status: 'failed', message: issuing.message };
  const requested = conditionOf(request?.status?.conditions, 'Ready');
  const message = requested?.status === 'False' ? requested.message : undefined;
  return { status: 'pending', message: message ?? ready?.message };
}
