/** Conditions of a service (Cloud Run API v1, ServiceStatus); Ready depends on the next two. */
export const SERVICE_CONDITIONS = {
  ready: 'Ready',
  configurationsReady: 'ConfigurationsReady',
  routesReady: 'RoutesReady',
  /**
   * Set, to True, only when Cloud Run would reject the object; of severity Warning, so it does not affect Ready. With
   * False, Argo CD would report the object as degraded.
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
