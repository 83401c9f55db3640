import { deepEqual, equal, match } from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { KINDS_BY_NAME } from '../apis/kinds.ts';
import { ROUTES } from '../apis/serving/route/types.ts';
import { SERVICES } from '../apis/serving/service/types.ts';
import { KubeClient } from '../kube/client.ts';
import { apiAgent } from '../kube/connection.ts';
import { DAEMON_SETS, DEPLOYMENTS, LEASES, PODS } from '../kube/core.ts';
import { Informer } from '../kube/informer.ts';
import { microTime } from '../kube/lease.ts';
import type { KubeObject, ResourceType } from '../kube/types.ts';
import { startAdmin } from '../telemetry/admin.ts';
import { freePort } from '../testing/freePort.ts';
import { CRDS } from '../testing/installKinds.ts';
import { silent, until } from '../testing/until.ts';
import {
  NAMESPACE,
  ready,
  SYSTEM,
  service,
  startReplica,
  useInstallation,
} from '../webhook/testing/installation.ts';
import { diagnose } from './diagnose.ts';
import type { Finding } from './finding.ts';
import { gather } from './gather.ts';
import { reachInside } from './reach.ts';

const MAIN = resolve(import.meta.dirname, '../main.ts');
const FIELD_MANAGER = { fieldManager: 'kubelet' };

/** A Deployment or DaemonSet as it is where all of its pods are ready. */
function workload(type: ResourceType, role: string): KubeObject {
  const labels = { 'app.kubernetes.io/name': 'homerun', 'app.kubernetes.io/component': role };
  const template = { metadata: { labels }, spec: { containers: [{ name: role, image: 'homerun' }] } };
  const metadata = { namespace: SYSTEM, name: `homerun-${role}`, labels };
  const spec = { selector: { matchLabels: labels }, template };
  return { apiVersion: type.apiVersion, kind: type.kind, metadata, spec } as KubeObject;
}

const DEPLOYED = { replicas: 1, readyReplicas: 1, updatedReplicas: 1, availableReplicas: 1 };
const ON_NODES = {
  currentNumberScheduled: 1,
  numberMisscheduled: 0,
  desiredNumberScheduled: 1,
  numberReady: 1,
  updatedNumberScheduled: 1,
};

describe('doctor on a real API server', () => {
  const installation = useInstallation();
  const stop = new AbortController();
  let folder: string;
  let config: string;
  let endGateway: () => Promise<void>;

  before(async () => {
    const { client } = installation;
    folder = mkdtempSync(join(tmpdir(), 'homerun-doctor-'));
    config = join(folder, 'config.json');
    writeFileSync(config, JSON.stringify({ instance: { runtimeClasses: { gen2: '' } } }));
    for (const role of ['controller', 'webhook', 'gateway', 'metadata'])
      await put(workload(DEPLOYMENTS, role), DEPLOYED);
    await put(workload(DAEMON_SETS, 'node'), ON_NODES, DAEMON_SETS);
    await client.create(LEASES, lease(Date.now()));
    // What a gateway is here: its watch of routes, and its metrics.
    const port = await freePort();
    const admin = await startAdmin({ port, unready: () => undefined });
    const routes = new Informer({ client, log: silent, type: ROUTES });
    const watching = routes.run(stop.signal);
    endGateway = async () => {
      stop.abort();
      admin.close();
      await watching;
    };
    await routes.synced;
    const { metadata } = workload(PODS, 'gateway');
    const container = { name: 'gateway', image: 'homerun', ports: [{ name: 'admin', containerPort: port }] };
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers: [container] } } as KubeObject;
    const address = '127.0.0.1';
    await put(pod, { phase: 'Running', podIP: address, podIPs: [{ ip: address }] }, PODS);
  });
  after(async () => {
    await endGateway?.();
    if (folder) rmSync(folder, { recursive: true });
  });

  function lease(renewedAt: number) {
    return {
      apiVersion: LEASES.apiVersion,
      kind: LEASES.kind,
      metadata: { namespace: SYSTEM, name: 'homerun-controller' },
      spec: { holderIdentity: 'a', renewTime: microTime(renewedAt), leaseDurationSeconds: 900 },
    };
  }

  /** Writes an object with its status, as what runs in a cluster would. */
  async function put(object: KubeObject, status: object, type: ResourceType = DEPLOYMENTS): Promise<void> {
    const { client } = installation;
    await client.apply(type, object, FIELD_MANAGER);
    const { apiVersion, kind, metadata } = object;
    const { namespace, name } = metadata;
    const written = { apiVersion, kind, metadata: { namespace, name }, status } as KubeObject;
    await client.apply(type, written, { ...FIELD_MANAGER, subresource: 'status' });
  }

  /** What is not well, as `STATE CHECK: FOUND`. */
  async function complaints(client = installation.client): Promise<string[]> {
    const reach = reachInside({ HOMERUN_CONFIG: config });
    const facts = await gather({ client, reach, namespace: SYSTEM, version: '0', now: Date.now });
    return lines(diagnose(facts).filter(({ state }) => state !== 'ok'));
  }

  const lines = (findings: readonly Finding[]) =>
    findings.map(({ state, check, found }) => `${state} ${check}: ${found}`);

  async function run(...args: string[]) {
    const env = {
      ...process.env,
      KUBECONFIG: installation.server.kubeconfig,
      HOMERUN_CONFIG: config,
      POD_NAMESPACE: SYSTEM,
    };
    const child = spawn(process.execPath, [MAIN, 'doctor', ...args], { env });
    const [stdout, stderr, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'exit'),
    ]);
    return { stdout, stderr, code };
  }

  it('finds nothing where all is well, and the program ends with 0', async () => {
    deepEqual(await complaints(), []);
    const { stdout, stderr, code } = await run('--output', 'json');
    equal(stderr, '');
    equal(code, 0);
    const { state, findings } = JSON.parse(stdout) as { state: string; findings: Finding[] };
    equal(state, 'ok');
    equal(findings.length, 9);
  });

  it('has stored nothing', async () => {
    const names = ['configurations.serving.knative.dev', 'revisions.serving.knative.dev'];
    for (const name of names) {
      const [plural = '', ...group] = name.split('.');
      const type = { apiVersion: `${group.join('.')}/v1`, kind: '', plural, namespaced: true };
      deepEqual((await installation.client.list(type)).items, []);
    }
  });

  it('refuses an output that it does not have', async () => {
    const { stderr, code } = await run('--output', 'yaml');
    deepEqual([stderr, code], ['homerun: doctor: --output is "yaml"; it must be text or json\n', 1]);
  });

  it('finds a definition that was changed', async () => {
    const ref = { name: 'jobs.run.googleapis.com' };
    const { shortNames } = KINDS_BY_NAME.jobs;
    const name = (names: readonly string[]) =>
      installation.client.mergePatch(CRDS, ref, { spec: { names: { shortNames: names } } });
    await name(['other']);
    deepEqual(await complaints(), [
      'warning definitions: not as version 0 has them: jobs.run.googleapis.com',
    ]);
    await name(shortNames);
    deepEqual(await complaints(), []);
  });

  it('finds a role without a ready pod, and the program ends with 1', async () => {
    await put(workload(DEPLOYMENTS, 'metadata'), { replicas: 1, updatedReplicas: 1 });
    const { stdout, stderr, code } = await run();
    match(stdout, /^failed {3}metadata +0 of 1 are ready\n +kubectl describe pods -n homerun-system/m);
    deepEqual([stderr, code], ['homerun: 1 of 9 findings are failures\n', 1]);
    await put(workload(DEPLOYMENTS, 'metadata'), DEPLOYED);
  });

  it('finds a lease that nobody renews', async () => {
    const ref = { namespace: SYSTEM, name: 'homerun-controller' };
    const renewTime = (at: number) => ({ spec: { renewTime: microTime(at) } });
    await installation.client.mergePatch(LEASES, ref, renewTime(Date.now() - 1_000_000));
    const [found = '', ...others] = await complaints();
    match(found, /^failed controller: a leads, and renewed its lease 1\d{3} s ago$/);
    deepEqual(others, []);
    await installation.client.mergePatch(LEASES, ref, renewTime(Date.now()));
  });

  it('finds a service that cannot become ready, and a gateway that has not heard of its route', async () => {
    const { client } = installation;
    await client.create(SERVICES, service('broken'));
    const status = { conditions: [{ type: 'Ready', status: 'False', reason: 'RevisionFailed' }] };
    const { apiVersion, kind, metadata } = service('broken');
    const { namespace, name } = metadata;
    const written = { apiVersion, kind, metadata: { namespace, name }, status } as KubeObject;
    await client.apply(SERVICES, written, { ...FIELD_MANAGER, subresource: 'status' });
    stop.abort();
    const traffic = [{ revisionName: 'broken-1', percent: 100 }];
    await client.create(ROUTES, {
      apiVersion,
      kind: 'Route',
      metadata: { namespace, name },
      spec: { traffic },
    });
    deepEqual(await complaints(), [
      'failed gateway: homerun-gateway knows 0 of 1 routes',
      `warning objects: Service: 1 of 1 are not ready: RevisionFailed 1 (${NAMESPACE}/broken)`,
    ]);
    await client.delete(ROUTES, { namespace, name });
    await client.delete(SERVICES, { namespace, name });
  });

  it('finds a webhook that API servers do not reach', async () => {
    await installation.replica.stop();
    const [call = '', certificate = '', ...others] = await complaints();
    match(
      call,
      /^failed webhook: the API server does not reach it: .*failed calling webhook "default\.homerun/,
    );
    match(certificate, /^warning webhook: not known: connect ECONNREFUSED/);
    deepEqual(others, []);
    const { server, port } = installation;
    installation.replica = await startReplica(server, { port });
    await ready(installation.replica);
    await until('all is well again', async () => (await complaints()).length === 0);
  });

  it('says one thing while the API server is away', async () => {
    const server = `http://127.0.0.1:${await freePort()}`;
    const client = new KubeClient({ server, dispatcher: apiAgent({}), headers: () => ({}) });
    const [found = '', ...others] = await complaints(client);
    match(found, /^failed API server: GET \/version: .*ECONNREFUSED/);
    deepEqual(others, []);
  });
});
