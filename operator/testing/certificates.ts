import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Writes into `folder` what an API server on 127.0.0.1 and its administrator need: ca, server and admin
 * (.crt and .key), and accounts.key for the tokens of service accounts. Needs openssl.
 */
export function makeCertificates(folder: string): void {
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  const key = (name: string) =>
    openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', `${name}.key`);
  const signed = (name: string, subject: string) => {
    key(name);
    openssl('req', '-new', '-key', `${name}.key`, '-subj', subject, '-out', `${name}.csr`);
    const authority = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '30'];
    openssl('x509', '-req', '-in', `${name}.csr`, ...authority, '-extfile', 'usage', '-out', `${name}.crt`);
  };
  const usage = ['subjectAltName=IP:127.0.0.1,DNS:localhost', 'extendedKeyUsage=serverAuth,clientAuth'];
  writeFileSync(join(folder, 'usage'), `${usage.join('\n')}\n`);
  key('ca');
  openssl('req', '-x509', '-new', '-key', 'ca.key', '-subj', '/CN=test', '-days', '30', '-out', 'ca.crt');
  signed('server', '/CN=kube-apiserver');
  signed('admin', '/O=system:masters/CN=admin');
  key('accounts');
}
