/** Conditions of a domain mapping, as Cloud Run has them; Ready depends on the other two. */
export const DOMAIN_MAPPING_CONDITIONS = {
  ready: 'Ready',
  /** Whether a certificate for the domain has been issued. */
  certificateProvisioned: 'CertificateProvisioned',
  /** Whether the gateways serve the domain. Its DNS records are not looked up. */
  domainRoutable: 'DomainRoutable',
} as const;

/** Why a domain mapping is not ready. */
export const DOMAIN_MAPPING_REASONS = {
  /** There is no route, and so no service, of that name in the namespace. */
  routeMissing: 'RouteMissing',
  /** The route has no revision yet that can answer. */
  routeNotReady: 'RouteNotReady',
  /** The domain belongs to another mapping, or is the URL of a service. */
  hostTaken: 'HostTaken',
  /** The domain is a name inside the cluster. */
  hostReserved: 'HostReserved',
  /** The mapping asks for no certificate (Knative, DomainMapping). */
  tlsNotEnabled: 'TLSNotEnabled',
  /** Certificates are not issued here. */
  issuerMissing: 'IssuerMissing',
  /** The API of cert-manager cannot be used. */
  certManagerMissing: 'CertManagerMissing',
  /** The certificate has not been issued yet (Knative, DomainMapping; so are the next two). */
  certificateNotReady: 'CertificateNotReady',
  /** It could not be issued; cert-manager tries again. */
  certificateProvisionFailed: 'CertificateProvisionFailed',
  /** A Certificate of its name was not made for a domain mapping. */
  certificateNotOwned: 'CertificateNotOwned',
} as const;
