/** The condition of a configuration (Cloud Run API v1, ConfigurationStatus). */
export const CONFIGURATION_CONDITIONS = { ready: 'Ready' } as const;

/** Why a configuration is not ready. */
export const CONFIGURATION_REASONS = {
  /** It breaks the contract; the message says where. */
  invalidArgument: 'InvalidArgument',
  /** The latest revision failed; the message repeats its own. */
  revisionFailed: 'RevisionFailed',
  /** The name that the template asks for belongs to another revision. */
  alreadyExists: 'AlreadyExists',
  deploying: 'Deploying',
} as const;
