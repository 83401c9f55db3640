import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect, type TLSSocket } from 'node:tls';
import { Client } from 'undici';
import WebSocket from 'ws';
import { SECRETS, type Secret } from '../../operator/kube/core.ts';
import { serverCertificate, testAuthority } from '../../operator/testing/serverCertificate.ts';
import { type Address, gatewayAddress, kubectl, SYSTEM_NAMESPACE } from '../lib/cluster.ts';
import { podsOfRole } from '../lib/roles.ts';
import { readyService } from '../lib/services.ts';
import { useSuite } from '../lib/suite.ts';
import { until } from '../lib/wait.ts';

/** The Secret and the port that e2e/values.yaml names. */
const SECRET = { namespace: SYSTEM_NAMESPACE, name: 'e2e-tls' };
const PORT = 30443;

describe('HTTPS', function () {
  this.timeout(300_000);
  const suite = useSuite('e2e-https');
  const host = `web.${suite.namespace}.localhost`;
  let gateway: Address;
  let ca: string;

  before(async () => {
    gateway = { ...(await gatewayAddress(suite.client)), port: PORT };
    ca = await testAuthority();
    await readyService(suite.client, suite.namespace, 'web');
    await readyService(suite.client, suite.namespace, 'plain');
    await suite.client.delete(SECRETS, SECRET);
    await write(await serverCertificate([host]));
    await until('HTTPS is served', () => handshake());
  });
  after(() => suite.client.delete(SECRETS, SECRET));

  async function write({ certificate, key }: { certificate: string; key: string }): Promise<void> {
    const base64 = (text: string) => Buffer.from(text).toString('base64');
    const data = { 'tls.crt': base64(certificate), 'tls.key': base64(key) };
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: SECRET, type: 'kubernetes.io/tls', data };
    await suite.client.apply(SECRETS, secret as Secret, { fieldManager: 'e2e' });
  }

  /** The names in the certificate that is served for the host. @throws when the handshake fails. */
  async function handshake(): Promise<string> {
    const socket: TLSSocket = connect({ ...gateway, servername: host, ca });
    try {
      await once(socket, 'secureConnect');
      return socket.getPeerCertificate().subjectaltname ?? '';
    } finally {
      socket.destroy();
    }
  }

  const client = () => new Client(`https://${gateway.host}:${PORT}`, { connect: { ca, servername: host } });
  async function ask(over: Client, path: string): Promise<string> {
    const { statusCode, body } = await over.request({ method: 'GET', path, headers: { host } });
    assert.equal(statusCode, 200);
    return body.text();
  }

  it('HTTP/1.1, HTTP/2 and WebSocket reach the program, which sees that they came over https', async () => {
    const over = client();
    const { headers } = JSON.parse(await ask(over, '/headers')) as { headers: Record<string, string[]> };
    assert.equal(headers['X-Forwarded-Proto']?.join(), 'https');
    await over.close();

    const session = connectHttp2(`https://${host}`, {
      createConnection: () => connect({ ...gateway, servername: host, ca, ALPNProtocols: ['h2'] }),
    });
    const stream = session.request({ ':path': '/headers', ':authority': host });
    const [answer] = await once(stream, 'response');
    assert.equal(answer[':status'], 200);
    session.destroy();

    const options = { ca, servername: host, headers: { host } };
    const socket = new WebSocket(`wss://${gateway.host}:${PORT}/ws`, options);
    await once(socket, 'open');
    socket.send('hello');
    const [message] = await once(socket, 'message');
    assert.equal(String(message), 'hello');
    socket.terminate();
  });

  it('a request without TLS is redirected, but not where there is no certificate', async () => {
    const redirect = await suite.visitor.ask(`http://${host}/a?b=c`);
    assert.deepEqual([redirect.status, redirect.headers.location], [302, `https://${host}:${PORT}/a?b=c`]);
    const plain = await suite.visitor.ask(`http://plain.${suite.namespace}.localhost/`);
    assert.equal(plain.status, 200);
  });

  it('a new certificate is served without a restart, and a wrong one changes nothing but the log', async () => {
    const pods = async () =>
      (await podsOfRole(suite.client, 'gateway')).map(({ metadata }) => metadata.uid).sort();
    const before = await pods();
    const open = client();
    await ask(open, '/');
    const next = await serverCertificate([host, `next.${suite.namespace}.localhost`]);
    await write(next);
    await until('the new certificate is served', async () => /next\./.test(await handshake()));
    const { key } = await serverCertificate([host]);
    await write({ certificate: next.certificate, key });
    const fault = `Secret ${SYSTEM_NAMESPACE}/e2e-tls: tls.key does not belong to the certificate in tls.crt`;
    const selector = 'app.kubernetes.io/component=gateway';
    const log = () => kubectl(['logs', '-n', SYSTEM_NAMESPACE, '-l', selector, '--tail=100']);
    await until('the log says what is wrong', async () => (await log()).includes(fault));
    assert.match(await handshake(), /next\./);
    await ask(open, '/');
    await open.close();
    assert.deepEqual(await pods(), before);
  });
});
