import { issueAuthority, issueCertificate } from './issue.ts';
import { type Credentials, newestOf, type Step, validBundle } from './rotation.ts';

/** The credentials after a step of {@link decide}. */
export async function renew(
  step: Exclude<Step, 'keep'>,
  credentials: Credentials | undefined,
  names: readonly string[],
  now: number,
): Promise<Credentials> {
  const trusted = validBundle(credentials?.authorities ?? '', now);
  const present = credentials ?? { authorities: '', authorityKey: '', certificate: '', key: '' };
  if (step === 'prune') return { ...present, authorities: trusted };
  if (step === 'issue') {
    const certificate = newestOf(trusted) ?? '';
    return {
      ...present,
      authorities: trusted,
      ...(await issueCertificate({ certificate, key: present.authorityKey }, names, now)),
    };
  }
  const authority = await issueAuthority(now);
  const added = { ...present, authorities: authority.certificate + trusted, authorityKey: authority.key };
  return step === 'create' ? { ...added, ...(await issueCertificate(authority, names, now)) } : added;
}
