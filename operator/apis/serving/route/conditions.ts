/** Conditions of a route (Cloud Run API v1, RouteStatus); Ready depends on the other two. */
export const ROUTE_CONDITIONS = {
  ready: 'Ready',
  allTrafficAssigned: 'AllTrafficAssigned',
  ingressReady: 'IngressReady',
} as const;

/** Why a route is not ready. */
export const ROUTE_REASONS = {
  revisionMissing: 'RevisionMissing',
  revisionNotReady: 'RevisionNotReady',
  configurationMissing: 'ConfigurationMissing',
  /** A core Service with its name has another owner. */
  notOwned: 'NotOwned',
  /** Its host, or the host of a tag, belongs to another route. */
  hostTaken: 'HostTaken',
  /** Traffic is moving to the latest revision over a given time. */
  rolloutInProgress: 'RolloutInProgress',
} as const;
