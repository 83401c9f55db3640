import { issueAuthority, issueCertificate } from '../webhook/certificates/issue.ts';
import type { KeyPair } from '../webhook/certificates/rotation.ts';

let authority: Promise<KeyPair> | undefined;

/** PEM of the authority that has issued all certificates of {@link serverCertificate} in this process. */
export async function testAuthority(): Promise<string> {
  authority ??= issueAuthority(Date.now());
  return (await authority).certificate;
}

/** A certificate for a server with these names, and its key. @param issuedAt in ms; it is valid for 90 days. */
export async function serverCertificate(names: readonly string[], issuedAt = Date.now()): Promise<KeyPair> {
  await testAuthority();
  return issueCertificate((await authority) as KeyPair, names, issuedAt);
}
