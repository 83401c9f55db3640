/** What every container has, whatever its owner asks for. */
export const UNPRIVILEGED = {
  allowPrivilegeEscalation: false,
  seccompProfile: { type: 'RuntimeDefault' },
} as const;

/** What the policy "restricted" demands of a container (Kubernetes, Pod Security Standards). */
export const RESTRICTED = {
  runAsNonRoot: true,
  ...UNPRIVILEGED,
  capabilities: { drop: ['ALL'] as string[] },
};
