/** Conditions of a domain mapping: those of Cloud Run, where Ready depends on the other two, and one of the Gateway API. */
export const DOMAIN_MAPPING_CONDITIONS = {
  ready: 'Ready',
  /** Whether a certificate for the domain has been issued. */
  certificateProvisioned: 'CertificateProvisioned',
  /** Whether the gateways serve the domain. Its DNS records are not looked up. */
  domainRoutable: 'DomainRoutable',
  /** Whether the parents of the domain's HTTPRoute accept it, where there is one; a warning otherwise. */
  httpRouteAccepted: 'HTTPRouteAccepted',
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
  /** The Gateway API cannot be used. */
  gatewayApiMissing: 'GatewayAPIMissing',
  /** No parent of the HTTPRoute has said anything yet. */
  httpRouteNotReady: 'HTTPRouteNotReady',
  /** The cluster or a parent refuses it. */
  httpRouteNotAccepted: 'HTTPRouteNotAccepted',
  /** An HTTPRoute of its name was not made for a domain mapping. */
  httpRouteNotOwned: 'HTTPRouteNotOwned',
} as const;
