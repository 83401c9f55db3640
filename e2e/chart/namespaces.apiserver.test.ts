import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { SERVICES, type Service } from '../../operator/apis/serving/service/types.ts';
import { parseConfig } from '../../operator/config.ts';
import { CORE_SERVICES, NAMESPACES, PODS, SECRETS } from '../../operator/kube/core.ts';
import { isKubeError } from '../../operator/kube/errors.ts';
import { desiredCertificate } from '../../operator/reconcilers/domainMapping/certificate.ts';
import { CERTIFICATE_REQUESTS, CERTIFICATES } from '../../operator/reconcilers/domainMapping/certManager.ts';
import { HTTP_ROUTES } from '../../operator/reconcilers/domainMapping/gatewayApi.ts';
import { desiredHttpRoute } from '../../operator/reconcilers/domainMapping/httpRoute.ts';
import { createInformers } from '../../operator/reconcilers/informers.ts';
import { readKeyring } from '../../operator/registry/pullsecrets.ts';
import type { Role } from '../../operator/roles.ts';
import { ApiServer } from '../../operator/testing/apiServer.ts';
import { installKind } from '../../operator/testing/optionalKinds.ts';
import { silent, until } from '../../operator/testing/until.ts';
import { asRole, installChart } from './accounts.ts';
import { chartCopy, helm, NAMESPACE, withOpenSchema } from './helm.ts';

const WATCHED = ['here', 'there'];

/** The chart with `namespaces`: what Homerun may do and see is in these alone. */
describe('an installation for some namespaces', () => {
  let server: ApiServer;

  before(async function () {
    this.timeout(900_000);
    helm(['version']);
    server = await ApiServer.start();
    for (const name of [...WATCHED, 'elsewhere'])
      await server.client.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    await installKind(server, HTTP_ROUTES);
    const values = {
      namespaces: WATCHED,
      gatewayApi: { parentRefs: [{ name: 'edge', namespace: 'infra' }] },
      registry: { pullSecretNamespaces: ['here'] },
      gateway: { tls: { secrets: ['web-tls'], namespace: 'elsewhere', issuer: { name: 'letsencrypt' } } },
    };
    installChart(server, values, chartCopy(withOpenSchema));
    const isServed = () => server.client.list(SERVICES, { namespace: 'here' }).catch(() => undefined);
    await until('the kinds are served', isServed);
  });
  after(() => server?.stop());

  async function isForbidden(attempt: Promise<unknown>): Promise<boolean> {
    try {
      await attempt;
      return false;
    } catch (error) {
      if (isKubeError(error, 'KUBE_FORBIDDEN')) return true;
      throw error;
    }
  }

  const lists: [role: Role, type: Parameters<typeof isList>[1], forbidden: string[]][] = [
    ['controller', SERVICES, ['elsewhere', NAMESPACE]],
    ['controller', CORE_SERVICES, ['elsewhere']],
    ['gateway', PODS, ['elsewhere']],
    // An address may go from an instance to any pod.
    ['metadata', PODS, []],
  ];
  const isList = (
    role: Role,
    type: typeof SERVICES | typeof CORE_SERVICES | typeof PODS,
    namespace?: string,
  ) => asRole(server.client, role).list<never>(type as never, { namespace });
  for (const [role, type, forbidden] of lists) {
    it(`lets the ${role} list ${type.plural} there, and not in: ${forbidden.join(', ') || 'nowhere'}`, async () => {
      for (const namespace of [...WATCHED, 'elsewhere', NAMESPACE])
        equal(await isForbidden(isList(role, type, namespace)), forbidden.includes(namespace), namespace);
      equal(await isForbidden(isList(role, type)), forbidden.length > 0, 'in the whole cluster');
    });
  }

  it('is seen whole by the controller, with the Service of the metadata server', async () => {
    // Nothing is admitted here, as no webhook runs: what stands for a service is made before it is asked.
    const service = (namespace: string) => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { namespace, name: 'hello' },
      spec: { type: 'ExternalName', externalName: 'a.example' },
    });
    for (const namespace of [...WATCHED, 'elsewhere'])
      await server.client.create(CORE_SERVICES, service(namespace) as never);
    const client = asRole(server.client, 'controller');
    const informers = createInformers(client, silent, parseConfig({}), {
      namespaces: WATCHED,
      own: NAMESPACE,
    });
    const stop = new AbortController();
    const all = Object.values(informers);
    const running = all.map((informer) => informer.run(stop.signal));
    await until('all is listed', () => all.every(({ hasSynced }) => hasSynced));
    const keys = [...informers.coreServices.store.keys()].sort();
    stop.abort();
    await Promise.all(running);
    ok(keys.includes(`${NAMESPACE}/homerun-metadata`));
    deepEqual(
      keys.filter((key) => key.endsWith('/hello')),
      ['here/hello', 'there/hello'],
    );
  });

  it('reads pull secrets only where the values let it', async () => {
    for (const namespace of WATCHED) {
      const metadata = { namespace, name: 'regcred' };
      await server.client.create(SECRETS, { apiVersion: 'v1', kind: 'Secret', metadata });
    }
    const client = asRole(server.client, 'controller');
    const read = (namespace: string) =>
      readKeyring(client, { namespace, serviceAccount: '', pullSecrets: ['regcred'] });
    deepEqual((await read('here')).secrets, ['regcred']);
    const { secrets, problems } = await read('there');
    deepEqual(secrets, []);
    match(problems[0] ?? '', /^secret "regcred" may not be read/);
  });

  it('shows the gateway the certificates that the values name, and no other Secret', async () => {
    const list = (namespace: string, fieldSelector?: string) =>
      isForbidden(asRole(server.client, 'gateway').list(SECRETS, { namespace, fieldSelector }));
    equal(await list(NAMESPACE, 'metadata.name=web-tls'), false);
    equal(await list('elsewhere', 'type=kubernetes.io/tls'), false);
    for (const selector of [undefined, 'metadata.name=homerun-webhook-cert', 'type=kubernetes.io/tls'])
      equal(await list(NAMESPACE, selector), true, selector);
    for (const namespace of WATCHED) equal(await list(namespace), true, namespace);
  });

  it('lets the controller have certificates issued where the gateways read them, and nowhere else', async () => {
    for (const type of [CERTIFICATES, CERTIFICATE_REQUESTS]) await installKind(server, type);
    const client = asRole(server.client, 'controller');
    const apply = (namespace: string) => {
      const issuer = { name: 'letsencrypt', kind: 'ClusterIssuer', group: 'cert-manager.io' };
      const made = desiredCertificate({ metadata: { name: 'www.example.com' } }, { namespace, issuer });
      return client.apply(CERTIFICATES, made, { fieldManager: 'test' });
    };
    const { metadata } = await apply('elsewhere');
    await client.list(CERTIFICATE_REQUESTS, { namespace: 'elsewhere' });
    await client.delete(CERTIFICATES, metadata);
    for (const namespace of [...WATCHED, NAMESPACE])
      equal(await isForbidden(apply(namespace)), true, namespace);
  });

  it('lets the controller lead domains through a Gateway from its own namespace, and from no other', async () => {
    const client = asRole(server.client, 'controller');
    const { gatewayApi } = parseConfig({ gatewayApi: { parentRefs: [{ name: 'edge' }] } });
    const apply = (namespace: string) => {
      const made = desiredHttpRoute({ metadata: { name: 'www.example.com' } }, { ...gatewayApi, namespace });
      return client.apply(HTTP_ROUTES, made, { fieldManager: 'test' });
    };
    await client.list(HTTP_ROUTES, { namespace: NAMESPACE });
    await client.delete(HTTP_ROUTES, (await apply(NAMESPACE)).metadata);
    for (const namespace of [...WATCHED, 'elsewhere'])
      equal(await isForbidden(apply(namespace)), true, namespace);
  });

  it('is admitted there alone', async () => {
    const apply = (namespace: string) =>
      server.client.create(SERVICES, {
        apiVersion: SERVICES.apiVersion,
        kind: SERVICES.kind,
        metadata: { namespace, name: 'hello' },
        spec: { template: { spec: { containers: [{ image: 'app' }] } } },
      } as Service);
    // No webhook runs: where one is asked, nothing gets in.
    await until('the webhook to be asked', () =>
      apply('here').then(
        () => server.client.delete(SERVICES, { namespace: 'here', name: 'hello' }).then(() => false),
        (error) => /failed calling webhook/.test(error.message),
      ),
    );
    await apply('elsewhere');
  });
});
