import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { CORE_SERVICES, LEASES, type Lease, SECRETS } from '../../operator/kube/core.ts';
import { microTime } from '../../operator/kube/lease.ts';
import { issueCertificate } from '../../operator/webhook/certificates/issue.ts';
import { CERTIFICATE_LIFE_MS, newestOf } from '../../operator/webhook/certificates/rotation.ts';
import { credentialsOf, SECRET_NAME, secretOf } from '../../operator/webhook/certificates/secret.ts';
import { SYSTEM_NAMESPACE } from '../lib/cluster.ts';
import { podProcess } from '../lib/processes.ts';
import { leader, podsOfRole, type Role } from '../lib/roles.ts';
import { FaultyApiServer } from './proxy.ts';
import { anyOf, type Injected, type Scene } from './scene.ts';

const run = promisify(execFile);
const LASTS_MS = 20_000;
const API_FAULTS = { delayMs: 2_000, errorShare: 0.01 };
const STEP_MS = 3_600_000;
/** Of a certificate, when it is about to expire. */
const LEFT_MS = 600_000;

/** All pods' requests to the API server take two seconds more, and one in a hundred fails. */
export async function slowApiServer({ random, clock }: Scene): Promise<Injected> {
  const at = clock();
  const proxy = await FaultyApiServer.start(API_FAULTS, random);
  try {
    await sleep(LASTS_MS);
  } finally {
    await proxy.stop();
  }
  const { delayed, failed } = proxy.counts;
  const target = `${delayed} requests, ${failed} failed`;
  return { target, at, overAt: clock(), isBack: async () => true };
}

/** Nothing can be pulled. */
export async function registryDown({ client, clock }: Scene): Promise<Injected> {
  const ref = { namespace: 'kube-system', name: 'registry' };
  const select = (app: string) => client.mergePatch(CORE_SERVICES, ref, { spec: { selector: { app } } });
  const at = clock();
  await select('none');
  try {
    await sleep(LASTS_MS);
  } finally {
    await select('registry');
  }
  return { target: 'registry', at, overAt: clock(), isBack: async () => true };
}

/** The wall clock of one process of Homerun's is an hour wrong, and then right again. */
export async function steppedClock({ client, random, clock }: Scene): Promise<Injected> {
  const role = random.pick<Role>(['controller', 'webhook', 'gateway', 'metadata', 'api']);
  const { name } = anyOf(await podsOfRole(client, role), random).metadata;
  const pid = await podProcess(name);
  if (!pid) throw new Error(`${name} does not run`);
  const command = [
    '--target',
    `${pid}`,
    '--net',
    '--',
    process.execPath,
    join(import.meta.dirname, 'clockStep.ts'),
  ];
  const step = (ms: number) => run('nsenter', [...command, `${pid}`, `${ms}`]);
  const stepMs = random.chance(0.5) ? STEP_MS : -STEP_MS;
  const at = clock();
  await step(stepMs);
  try {
    await sleep(LASTS_MS);
  } finally {
    await step(0);
  }
  const target = `${name} by ${stepMs / STEP_MS} h`;
  return { target, at, overAt: clock(), isBack: async () => true };
}

/** The webhook serves a certificate that expires in ten minutes; it is renewed as the old one would have been. */
export async function expiringCertificate({ client, clock }: Scene): Promise<Injected> {
  const ref = { namespace: SYSTEM_NAMESPACE, name: SECRET_NAME };
  const secret = await client.get(SECRETS, ref);
  const credentials = credentialsOf(secret);
  if (!credentials) throw new Error('the webhook has no certificate');
  const authority = { certificate: newestOf(credentials.authorities) ?? '', key: credentials.authorityKey };
  const names = (new X509Certificate(credentials.certificate).subjectAltName ?? '')
    .split(', ')
    .map((name) => name.slice(4));
  const expiring = await issueCertificate(authority, names, Date.now() - CERTIFICATE_LIFE_MS + LEFT_MS);
  const at = clock();
  await client.replace(SECRETS, secretOf(ref, { ...credentials, ...expiring }, secret));
  const isBack = async () => {
    const present = credentialsOf(await client.get(SECRETS, ref))?.certificate;
    return (
      present !== undefined &&
      new X509Certificate(present).validToDate.getTime() - Date.now() > CERTIFICATE_LIFE_MS / 2
    );
  };
  return { target: SECRET_NAME, at, overAt: at, isBack };
}

/** Somebody else holds the lease, and never renews it. */
export async function leaseStolen({ client, clock }: Scene): Promise<Injected> {
  const ref = { namespace: SYSTEM_NAMESPACE, name: 'homerun-controller' };
  const lease = (await client.get(LEASES, ref)) as Lease;
  const spec = { ...lease.spec, holderIdentity: 'thief', renewTime: microTime(Date.now()) };
  const at = clock();
  await client.mergePatch(LEASES, ref, { spec });
  const isBack = async () => (await leader(client)) !== 'thief';
  return { target: lease.spec?.holderIdentity ?? '', at, overAt: at, isBack };
}
