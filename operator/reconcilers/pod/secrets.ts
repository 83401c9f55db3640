/**
 * The Kubernetes Secret that stands for a secret of Secret Manager; its data has a key for each version, `latest`
 * among them. An alias (annotation run.googleapis.com/secrets) stands for the secret that it names, and a name
 * that Kubernetes does not take is written as it would be there: `DATABASE_URL` as `database-url`.
 */
export function kubernetesSecret(name: string, aliases: ReadonlyMap<string, string>): string {
  const secret = aliases.get(name) ?? name;
  if (/^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$/.test(secret)) return secret;
  return secret
    .toLowerCase()
    .replaceAll(/[^-.a-z0-9]/g, '-')
    .replaceAll(/^[-.]+|[-.]+$/g, '');
}

/** Alias -> secret, from `alias:projects/PROJECT/secrets/SECRET[,...]`. */
export function secretAliases(annotation: string | undefined): Map<string, string> {
  const entries = (annotation ?? '').split(',').flatMap((entry): [string, string][] => {
    const match = /^\s*([^:\s]+):projects\/[^/]+\/secrets\/([^/\s]+)\s*$/.exec(entry);
    return match?.[1] && match[2] ? [[match[1], match[2]]] : [];
  });
  return new Map(entries);
}
