/** Why a configuration is not ready. */
export const CONFIGURATION_REASONS = {
  /** It is invalid; the message names the fields. */
  invalidArgument: 'InvalidArgument',
  /** The latest revision failed; the message repeats the revision's. */
  revisionFailed: 'RevisionFailed',
  /** The template names a revision that already exists. */
  alreadyExists: 'AlreadyExists',
  deploying: 'Deploying',
} as const;
