import { deepEqual, equal } from 'node:assert/strict';
import { SERVICES } from '../apis/serving/service/types.ts';
import { type IssuerServer, serveIssuer } from '../identity/testing/issuerServer.ts';
import { type TestIssuer, testIssuer, tokenOf } from '../identity/testing/testIssuer.ts';
import { clientOf } from './testing/client.ts';
import { type ApiInstallation, NAMESPACE, REGION, useApi } from './testing/installation.ts';
import { installRoles } from './testing/roles.ts';

const SERVICES_PATH = `/v2/projects/${NAMESPACE}/locations/${REGION}/services`;
const ANN = { sub: '7', aud: 'cli', email: 'Ann@Example.com', email_verified: true };

describe('people of an issuer on a real API server', function () {
  this.timeout(600_000);
  const installation = useApi();
  const call = clientOf(installation);
  let server: IssuerServer;
  let issuer: TestIssuer;
  let api: ApiInstallation['api'];

  before(async () => {
    server = await serveIssuer();
    issuer = testIssuer(server.issuer);
    server.keys = [issuer.jwk];
    await installRoles(installation);
    const configured = { issuer: server.issuer, audiences: ['cli'], groupsClaim: 'roles' };
    api = await installation.start({ issuers: [configured] });
    // As policies name them: a user by address, and a group.
    const subjects = [
      { kind: 'User', name: 'ann@example.com', role: 'homerun-iam.serviceAccountUser' },
      { kind: 'User', name: 'ann@example.com', role: 'homerun-run.admin' },
      { kind: 'Group', name: 'ops', role: 'homerun-run.viewer' },
    ];
    for (const { role, ...subject } of subjects) {
      const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role };
      const apiGroup = 'rbac.authorization.k8s.io';
      const body = { metadata: { name: role }, roleRef, subjects: [{ ...subject, apiGroup }] };
      const path = `/apis/rbac.authorization.k8s.io/v1/namespaces/${NAMESPACE}/rolebindings`;
      await installation.client.request('POST', path, { body });
    }
  });
  after(async () => {
    await api?.stop();
    server?.close();
  });

  const ask = (method: string, path: string, claims: object, body?: object) =>
    call(method, path, { port: api.port, token: tokenOf(issuer, claims), body });

  it('act with their own rights, and are who made and changed an object', async () => {
    const made = await ask('POST', `${SERVICES_PATH}?serviceId=hello`, ANN, {
      template: { containers: [{ image: 'gcr.io/p/app:1' }] },
    });
    equal(made.status, 200, JSON.stringify(made.body));
    const stored = await installation.client.get(SERVICES, { namespace: NAMESPACE, name: 'hello' });
    const { annotations = {} } = stored?.metadata ?? {};
    deepEqual(
      ['creator', 'lastModifier'].map((name) => annotations[`serving.knative.dev/${name}`]),
      ['ann@example.com', 'ann@example.com'],
    );
  });

  it('have the rights of their groups, and no others', async () => {
    const bob = { sub: '8', aud: 'cli', roles: ['ops'] };
    equal((await ask('GET', SERVICES_PATH, bob)).status, 200);
    const refused = await ask('DELETE', `${SERVICES_PATH}/hello`, bob);
    deepEqual(
      [refused.status, refused.body.error.details[0].metadata.permission],
      [403, 'run.services.delete'],
    );
    equal((await ask('GET', SERVICES_PATH, { ...bob, roles: [] })).status, 403);
    equal((await ask('GET', SERVICES_PATH, { ...ANN, email_verified: false })).status, 403);
  });

  it('are asked for a token of theirs, while those of the cluster count too', async () => {
    const refused = await ask('GET', SERVICES_PATH, { ...ANN, aud: 'other' });
    deepEqual([refused.status, refused.body.error.status], [401, 'UNAUTHENTICATED']);
    equal((await call('GET', SERVICES_PATH, { port: api.port })).status, 200);
  });
});
