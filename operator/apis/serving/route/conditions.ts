/** Conditions of a route (Cloud Run API v1, RouteStatus); Ready depends on the other two. */
export const ROUTE_CONDITIONS = {
  ready: 'Ready',
  allTrafficAssigned: 'AllTrafficAssigned',
  ingressReady: 'IngressReady',
} as const;

/** Why a route does not serve what it should. */
export const ROUTE_REASONS = {
  revisionMissing: 'RevisionMissing',
  revisionNotReady: 'RevisionNotReady',
  configurationMissing: 'ConfigurationMissing',
  /** A core Service of its name belongs to somebody else. */
  notOwned: 'NotOwned',
  /** A host of its own or of a tag belongs to another route. */
  hostTaken: 'HostTaken',
} as const;
