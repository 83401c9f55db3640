/** Conditions of a service (Cloud Run API v1, ServiceStatus); Ready depends on the next two. */
export const SERVICE_CONDITIONS = {
  ready: 'Ready',
  configurationsReady: 'ConfigurationsReady',
  routesReady: 'RoutesReady',
  /**
   * Only there, and True, when Cloud Run would reject what runs here; of severity Warning, it leaves Ready alone. A
   * False one would make Argo CD take the object for degraded.
   */
  cloudRunIncompatible: 'CloudRunIncompatible',
} as const;

/** Why a service is not ready, besides the reasons of its configuration and route. */
export const SERVICE_REASONS = {
  /** The service breaks the contract; the message says where. */
  invalidArgument: 'InvalidArgument',
  /** A configuration or route of its name belongs to somebody else. */
  notOwned: 'NotOwned',
  /** A child has not yet been reconciled for this generation. */
  outOfDate: 'OutOfDate',
  /** The latest revision is ready and does not yet have its share. */
  trafficNotMigrated: 'TrafficNotMigrated',
} as const;
