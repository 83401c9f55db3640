// Required by the library's dependency injection before any other import.
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { AUTHORITY_LIFE_MS, BACKDATED_MS, CERTIFICATE_LIFE_MS, type KeyPair } from './rotation.ts';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const crypto = webcrypto;

/** Issues a certificate authority for the webhook: ECDSA on P-256, restricted to signing server certificates. */
export async function issueAuthority(now: number): Promise<KeyPair> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const made = await X509CertificateGenerator.createSelfSigned(
    {
      // A unique name: during a rotation, both authorities are trusted.
      name: `CN=homerun-webhook-ca-${now}`,
      keys,
      ...validity(now, AUTHORITY_LIFE_MS),
      signingAlgorithm: ALGORITHM,
      extensions: [
        new BasicConstraintsExtension(true, 0, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
        await SubjectKeyIdentifierExtension.create(keys.publicKey, false, crypto),
      ],
    },
    crypto,
  );
  return { certificate: pem(made), key: await privatePem(keys) };
}

/**
 * Issues a server certificate signed by `authority`.
 * @param names its host names and addresses.
 */
export async function issueCertificate(
  authority: KeyPair,
  names: readonly string[],
  now: number,
): Promise<KeyPair> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const issuer = new X509Certificate(authority.certificate);
  const issuerKey = await issuer.publicKey.export(crypto);
  const extensions: Extension[] = [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
    new SubjectAlternativeNameExtension(
      names.map((value) => ({ type: isIP(value) ? ('ip' as const) : ('dns' as const), value })),
    ),
    await SubjectKeyIdentifierExtension.create(keys.publicKey, false, crypto),
    await AuthorityKeyIdentifierExtension.create(issuerKey, false, crypto),
  ];
  const made = await X509CertificateGenerator.create(
    {
      subject: 'CN=homerun-webhook',
      issuer: issuer.subject,
      publicKey: keys.publicKey,
      signingKey: await importPrivate(authority.key),
      ...validity(now, CERTIFICATE_LIFE_MS),
      signingAlgorithm: ALGORITHM,
      extensions,
    },
    crypto,
  );
  return { certificate: pem(made), key: await privatePem(keys) };
}

function validity(now: number, lifeMs: number): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(now - BACKDATED_MS), notAfter: new Date(now + lifeMs) };
}

function pem(certificate: X509Certificate): string {
  return `${certificate.toString('pem').trim()}\n`;
}

async function privatePem({ privateKey }: webcrypto.CryptoKeyPair): Promise<string> {
  const der = await crypto.subtle.exportKey('pkcs8', privateKey);
  return `${PemConverter.encode(der, 'PRIVATE KEY').trim()}\n`;
}

async function importPrivate(key: string): Promise<webcrypto.CryptoKey> {
  const [der] = PemConverter.decode(key);
  if (!der) throw new TypeError('the private key is not PEM');
  return crypto.subtle.importKey('pkcs8', der, ALGORITHM, false, ['sign']);
}
