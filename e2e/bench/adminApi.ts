import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { OWN_SECRET } from '../../operator/api/server/certificates.ts';
import type { Service } from '../../operator/apis/serving/service/types.ts';
import { parseConfig } from '../../operator/config.ts';
import { SECRETS } from '../../operator/kube/core.ts';
import type { FakeApiServer } from '../../operator/testing/fakeApiServer.ts';
import { freePort } from '../../operator/testing/freePort.ts';
import { serverCertificate, testAuthority } from '../../operator/testing/serverCertificate.ts';
import { until } from '../lib/wait.ts';
import { adminLoad, type Sent, type Stream } from './adminLoad.ts';
import { fakeCluster, SYSTEM, startRole } from './bundledRole.ts';
import { startPlain } from './plainAdmin.ts';
import { alternated } from './proxy.ts';
import { besideResult, limitResult, type Result, table, verdict } from './result.ts';
import { aside, MEASURED, Server } from './servers.ts';
import { finishedService } from './thousand.ts';

const REPETITIONS = 3;
/** Of so many deploys two may be slower than their 99th percentile. */
const SECONDS = 4;
const WARM_SECONDS = 1;
/** So many runs before the first that counts: V8 compiles what a server does often only after some thousand requests. */
const WARM_UPS = 2;
/** After so long without a request its memory does not change. */
const REST_MS = 5_000;
const TOKEN = 'bench';
const TOKEN_REVIEWS = '/apis/authentication.k8s.io/v1/tokenreviews';
const PERSON = { username: 'bench@example.com', groups: ['system:authenticated'] };
const IMAGES = ['registry.example/team/app:v2', 'registry.example/team/app:v3'];

/** A project as a team has it, and a large one. */
const TEAM = { project: 'team', services: 20 };
const LARGE = { project: 'large', services: 1000 };
const PAGE = 100;

const v1 = (project: string) => `/apis/serving.knative.dev/v1/namespaces/${project}/services`;
const v2 = (project: string) => `/v2/projects/${project}/locations/local-cluster1/services`;

/** A server that is asked, and whom its clients trust. */
interface Target {
  port: number;
  ca: string;
}

/**
 * The Admin API in a process of its own, our bundle as it runs in a pod, before a fake API server: its memory at rest,
 * latencies of lists and deploys at a constant rate, and of pages of a large project. Beside them a plain server that
 * sends the same bytes over TLS. No cluster is needed.
 */
export function adminApiResults(): Promise<Result[]> {
  // The fake API server is a part of this process.
  return aside(results);
}

async function results(): Promise<Result[]> {
  const folder = mkdtempSync(join(tmpdir(), 'homerun-api-'));
  const cluster = await fakeCluster();
  try {
    cluster.documents.set(TOKEN_REVIEWS, { status: { authenticated: true, user: PERSON } });
    const [adminPort, port] = [await freePort(), await freePort()];
    const config = { adminPort, api: { port } };
    await using api = Server.of(await startRole('api', { server: cluster, folder, config }), port, MEASURED);
    await until(
      'the Admin API to be ready',
      async () => (await fetch(`http://127.0.0.1:${adminPort}/readyz`)).ok,
    );
    await sleep(REST_MS);
    const idle = limitResult('admin-api-idle-rss', 'MB', api.residentMb(), 120);
    const ca = cluster.get(SECRETS, { namespace: SYSTEM, name: OWN_SECRET })?.data?.['ca.crt'] ?? '';
    const target = { port, ca: Buffer.from(ca, 'base64').toString() };
    seed(cluster, TEAM);
    const rates = await measured(target, cluster, await teamStreams(target));
    seed(cluster, LARGE);
    const pages = await measured(target, cluster, [
      page('admin-api-page-v1', `${v1(LARGE.project)}?limit=${PAGE}`),
      page('admin-api-page-v2', `${v2(LARGE.project)}?pageSize=${PAGE}`),
    ]);
    return [idle, ...rates, ...pages];
  } finally {
    await cluster.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A stream of requests, and what its 99th percentile may be, in ms. */
interface Judged extends Stream {
  goal: number;
}

async function teamStreams(target: Target): Promise<Judged[]> {
  const lists = [v1(TEAM.project), v2(TEAM.project)].map((path) => ({ method: 'GET', path }));
  const deploys: Sent[] = [];
  for (let i = 0; i < 2 * IMAGES.length * TEAM.services; i++) {
    const round = Math.floor(i / TEAM.services);
    const path = `/${TEAM.project}-${i % TEAM.services}`;
    const image = IMAGES[Math.floor(round / 2) % IMAGES.length] as string;
    deploys.push(await ((i + round) % 2 === 0 ? deployV1 : deployV2)(target, path, image));
  }
  return [
    { name: 'admin-api-list-p99', perSecond: 200, requests: lists, goal: 50 },
    { name: 'admin-api-deploy-p99', perSecond: 50, requests: deploys, goal: 50 },
  ];
}

function page(name: string, path: string): Judged {
  return { name, perSecond: 5, requests: [{ method: 'GET', path }], goal: 100 };
}

/** A service with another image, as gcloud replaces it. */
async function deployV1(target: Target, path: string, image: string): Promise<Sent> {
  const url = `${v1(TEAM.project)}${path}`;
  const { status: _, ...service } = JSON.parse(await ask(target, { method: 'GET', path: url })) as Service;
  const { resourceVersion: __, ...metadata } = service.metadata;
  const [container] = service.spec.template.spec.containers;
  if (container) container.image = image;
  return { method: 'PUT', path: url, body: JSON.stringify({ ...service, metadata }) };
}

/** The same as a client library of the API v2 updates it. */
async function deployV2(target: Target, path: string, image: string): Promise<Sent> {
  const url = `${v2(TEAM.project)}${path}`;
  const { etag: _, ...service } = JSON.parse(await ask(target, { method: 'GET', path: url }));
  service.template.containers[0].image = image;
  return { method: 'PATCH', path: url, body: JSON.stringify(service) };
}

/** Streams that come at the same time, at the Admin API and at a plain server with its answers in turn. */
async function measured(target: Target, cluster: FakeApiServer, streams: Judged[]): Promise<Result[]> {
  const answers: Record<string, string> = {};
  for (const each of streams.flatMap(({ requests }) => requests)) {
    answers[`${each.method} ${each.path}`] = await ask(target, each);
  }
  const plain = { port: await freePort(), ca: await testAuthority() };
  const process = await startPlain({ ...plain, answers, pair: await serverCertificate(['localhost']) });
  const load = ({ port, ca }: Target) => {
    // The fake API server remembers every request.
    cluster.requests = [];
    cluster.compact();
    return adminLoad({ port, ca, token: TOKEN, warmSeconds: WARM_SECONDS, seconds: SECONDS, streams });
  };
  try {
    for (let i = 0; i < WARM_UPS; i++) {
      await load(target);
      await load(plain);
    }
    const outcomes = await alternated(
      REPETITIONS,
      () => load(target),
      () => load(plain),
    );
    return streams.map(({ name, perSecond, goal }) => {
      const p99 = (each: (typeof outcomes.ours)[number]) => each[name]?.p99 ?? Number.NaN;
      const samples = { ours: outcomes.ours.map(p99), bare: outcomes.bare.map(p99) };
      console.log(table(name, 'ms', samples));
      return besideResult(name, `ms p99 at ${perSecond} requests/s`, samples, goal);
    });
  } finally {
    await ended(process);
  }
}

async function ended(process: ChildProcess): Promise<void> {
  const exit = once(process, 'exit');
  process.kill('SIGKILL');
  await exit;
}

async function ask({ port, ca }: Target, { method, path, body }: Sent): Promise<string> {
  const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
  const agent = new Agent({ ca });
  const sent = request({ host: 'localhost', port, method, path, headers, agent });
  sent.end(body);
  const [response] = await once(sent, 'response');
  const answer = await text(response);
  if (response.statusCode !== 200) throw new Error(`${method} ${path}: ${answer}`);
  return answer;
}

/** Services as their controller leaves them, and nothing else of what belongs to them. */
function seed(cluster: FakeApiServer, { project, services }: typeof TEAM): void {
  const config = parseConfig({});
  for (let i = 0; i < services; i++) {
    const [service] = finishedService(`${project}-${i}`, 1, config, SYSTEM) as [Service];
    cluster.put<Service>({ ...service, metadata: { ...service.metadata, namespace: project } });
  }
  cluster.compact();
}

if (import.meta.main) {
  const all = await adminApiResults();
  for (const result of all) console.log(verdict(result));
  process.exitCode = all.every(({ holds }) => holds) ? 0 : 1;
}
