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
  /** The service is invalid; the message names the fields. */
  invalidArgument: 'InvalidArgument',
  /** A configuration or route with its name has another owner. */
  notOwned: 'NotOwned',
  /** A child has not yet been reconciled for this generation. */
  outOfDate: 'OutOfDate',
  /** The latest revision is ready but does not receive its traffic yet. */
  trafficNotMigrated: 'TrafficNotMigrated',
} as const;
