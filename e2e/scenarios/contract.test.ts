import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { SERVING } from '../../operator/apis/labels.ts';
import {
  RUNTIME_CONTRACT,
  type RuntimeContractKey,
  type RuntimeContractRow,
} from '../../operator/apis/runtimeContract.ts';
import { CORE_SERVICES, type CoreService, PODS, type Pod } from '../../operator/kube/core.ts';
import { podsOf, SYSTEM_NAMESPACE, serviceReady } from '../lib/cluster.ts';
import { linesUntilEnd, type Report } from '../lib/contract.ts';
import { applyService, CONTRACT_IMAGES, helloService } from '../lib/services.ts';
import { useSuite } from '../lib/suite.ts';
import { until } from '../lib/wait.ts';

const NAMESPACE = 'e2e-contract';
const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
/** The same in the form of Cloud Trace. */
const CLOUD_TRACE = '0af7651916cd43dd8448eb211c80319c/13235353014750950193;o=1';
const ACCOUNT = 'instance/service-accounts/default';

/** What one image reported, from inside its ingress container, its sidecar, and the end of both. */
interface Seen {
  program: keyof typeof CONTRACT_IMAGES;
  report: Report;
  /** That of the second container. */
  beside: Report;
  /** What the containers wrote from SIGTERM on, by container. */
  ends: Record<'app' | 'beside', { signal?: string; aliveMs?: number }[]>;
  pod: Pod;
  /** Host of the service's URL. */
  host: string;
  /** Address of the metadata server. */
  metadataServer: string;
}

/** What is looked at, and what is right; a function where that depends on the image or the cluster. */
interface Check {
  is: (seen: Seen) => unknown;
  want: unknown;
}

const ask = (path: string) => (seen: Seen) => seen.report.metadata.answers[path];
const bodyOf = (path: string) => (seen: Seen) => ask(path)(seen)?.body;
const number = bodyOf('project/numeric-project-id');

/** Names that the image, the container runtime and the service itself set. */
const OWN = ['PATH', 'FROM_IMAGE', 'HOME', 'HOSTNAME', 'PRICE', 'IGNORE_TERM', 'CONTRACT_MODE'];
const PLATFORM = ['K_CONFIGURATION', 'K_REVISION', 'K_SERVICE', 'PORT'];
const KUBERNETES = [
  'KUBERNETES_PORT',
  'KUBERNETES_PORT_443_TCP',
  'KUBERNETES_PORT_443_TCP_ADDR',
  'KUBERNETES_PORT_443_TCP_PORT',
  'KUBERNETES_PORT_443_TCP_PROTO',
  'KUBERNETES_SERVICE_HOST',
  'KUBERNETES_SERVICE_PORT',
  'KUBERNETES_SERVICE_PORT_HTTPS',
];

/** Capabilities that reach beyond the container: network, kernel modules, raw devices, tracing, mounts, clock. */
const ADMINISTERING = [12, 16, 17, 19, 21, 22, 25];

function variables({ report }: Seen, wanted: (name: string) => boolean): string[] {
  return Object.keys(report.env).filter(wanted).sort();
}

function namesOf({ env }: Report): (string | undefined)[] {
  return [env.K_SERVICE, env.K_CONFIGURATION, env.K_REVISION];
}

function hasCapability({ status }: Report, bit: number): boolean {
  return (BigInt(`0x${status.CapBnd}`) >> BigInt(bit)) % 2n === 1n;
}

/** The test cluster's nodes share the kernel of the machine that the tests run on. */
function ownKernel(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : '';
}

function signals({ ends }: Seen): (string | undefined)[] {
  return [ends.app, ends.beside].map(([first]) => first?.signal);
}

function lifeAfterSigterm({ ends }: Seen): number[] {
  return [ends.app, ends.beside].map((lines) => lines.at(-1)?.aliveMs ?? 0);
}

/** One for each row of the documents' table; the compiler sees to it that none is missing. */
const CHECKS: Record<RuntimeContractKey, Check> = {
  port: { is: ({ report }) => report.env.PORT, want: '8080' },
  portElsewhere: { is: ({ beside }) => beside.env.PORT, want: undefined },
  names: {
    is: ({ report, beside }) => [namesOf(report), namesOf(beside)],
    want: ({ program, pod }: Seen) => {
      const names = [program, program, pod.metadata.labels?.[SERVING.revision]];
      return [names, names];
    },
  },
  imageEnvironment: { is: ({ report }) => report.env.FROM_IMAGE, want: 'kept' },
  references: { is: ({ report }) => report.env.PRICE, want: '$(PORT) and $5' },
  otherVariables: {
    is: (seen) => variables(seen, (name) => !OWN.includes(name) && !/^(KUBERNETES|GCE_METADATA)_/.test(name)),
    want: PLATFORM,
  },
  kubernetesVariables: {
    is: (seen) => variables(seen, (name) => /_(SERVICE_|PORT)/.test(name)),
    want: KUBERNETES,
  },
  metadataVariables: {
    is: ({ report: { env } }) => [env.GCE_METADATA_HOST, env.GCE_METADATA_IP],
    want: ['metadata.google.internal', 'metadata.google.internal'],
  },
  user: {
    is: ({ report: { uid, gid } }) => [uid, gid],
    want: ({ program }: Seen) => (program === 'go' ? [65532, 65532] : [0, 0]),
  },
  workingFolder: { is: ({ report }) => report.folder, want: '/work' },
  fileSystem: { is: ({ report }) => report.writable['.'], want: true },
  temporaryFolder: { is: ({ report }) => report.writable['/tmp'], want: true },
  memoryVolume: { is: ({ report }) => report.volume, want: { type: 'tmpfs', bytes: 32 * 2 ** 20 } },
  kubernetesToken: {
    is: ({ report }) => [report.token, report.mounts.filter((path) => path.includes('secrets'))],
    want: [false, []],
  },
  escalation: { is: ({ report }) => report.status.NoNewPrivs, want: '1' },
  capabilities: { is: ({ report }) => ADMINISTERING.filter((bit) => hasCapability(report, bit)), want: [] },
  sandbox: { is: ({ report }) => report.status.Seccomp, want: '2' },
  process: { is: ({ report }) => report.pid, want: 1 },
  cpu: { is: ({ report }) => report.cgroup.cpus, want: 1 },
  cores: {
    is: ({ report }) => report.cpus,
    want: availableParallelism,
  },
  memory: { is: ({ report }) => report.cgroup.memoryBytes, want: 512 * 2 ** 20 },
  openFiles: { is: ({ report }) => Number(report.limits.hard) >= 1024, want: true },
  kernelLimits: {
    is: ({ report: { kernel } }) => [kernel.fileMax, kernel.maxMapCount],
    want: () => ['/proc/sys/fs/file-max', '/proc/sys/vm/max_map_count'].map(ownKernel),
  },
  product: {
    is: ({ report }) => report.kernel.product,
    want: () => ownKernel('/sys/class/dmi/id/product_name'),
  },
  metadataName: {
    is: ({ report }) => report.addresses,
    want: ({ metadataServer }: Seen) => [metadataServer],
  },
  projectId: { is: bodyOf('project/project-id'), want: NAMESPACE },
  projectNumber: { is: (seen) => /^\d{12}$/.test(number(seen) ?? ''), want: true },
  region: {
    is: bodyOf('instance/region'),
    want: (seen: Seen) => `projects/${number(seen)}/regions/local-cluster1`,
  },
  zone: {
    is: bodyOf('instance/zone'),
    want: (seen: Seen) => `projects/${number(seen)}/zones/local-cluster1-1`,
  },
  instanceId: { is: (seen) => /^[0-9a-f]{130}$/.test(bodyOf('instance/id')(seen) ?? ''), want: true },
  email: {
    is: bodyOf(`${ACCOUNT}/email`),
    want: (seen: Seen) => `${number(seen)}-compute@developer.gserviceaccount.com`,
  },
  identityToken: {
    is: (seen) => {
      const [, claims = ''] = bodyOf(`${ACCOUNT}/identity?audience=contract`)(seen)?.split('.') ?? [];
      return JSON.parse(Buffer.from(claims, 'base64url').toString()).aud;
    },
    want: ['contract'],
  },
  accessToken: { is: (seen) => ask(`${ACCOUNT}/token`)(seen)?.status, want: 404 },
  flavorAsked: { is: ({ report }) => report.metadata.withoutHeader.status, want: 403 },
  flavorAnswered: {
    is: ({ report }) => [...new Set(Object.values(report.metadata.answers).map(({ flavor }) => flavor))],
    want: ['Google'],
  },
  forwarded: { is: ({ report }) => report.metadata.forwarded.status, want: 403 },
  plainHttp: {
    is: ({ report: { request } }) => [request?.protocol, request?.host, request?.method, request?.uri],
    want: ({ host }: Seen) => ['HTTP/1.1', host, 'GET', '/path?query=1'],
  },
  forwardedHeaders: {
    is: ({ report: { request } }) => {
      const { 'x-forwarded-for': addresses, 'x-forwarded-proto': proto, forwarded } = request?.headers ?? {};
      return [addresses?.split(', ').length, addresses?.split(', ')[0], proto, forwarded?.includes('for=')];
    },
    want: [2, '203.0.113.7', 'http', true],
  },
  traceparent: { is: ({ report }) => report.request?.headers.traceparent, want: TRACE },
  cloudTrace: { is: ({ report }) => report.request?.headers['x-cloud-trace-context'], want: CLOUD_TRACE },
  sigterm: { is: signals, want: ['SIGTERM', 'SIGTERM'] },
  // A lower bound of ten seconds less the pause between two lines, an upper one that leaves a slow machine room.
  sigkill: { is: (seen) => lifeAfterSigterm(seen).every((ms) => ms > 8500 && ms < 14_000), want: true },
};

describe('inside a container', function () {
  this.timeout(300_000);
  const suite = useSuite(NAMESPACE);
  const seen = {} as Record<Seen['program'], Seen>;

  before(async () => {
    // Where Kubernetes tells programs of the services beside them, this one would be among their variables.
    await suite.client.create(CORE_SERVICES, {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'neighbour', namespace: NAMESPACE },
      spec: { ports: [{ port: 80 }] },
    } as CoreService);
    const programs = Object.keys(CONTRACT_IMAGES) as Seen['program'][];
    await Promise.all(
      programs.map(async (program) => Object.assign(seen, { [program]: await look(program) })),
    );
  });

  /** A service of two containers of an image: looked at, and then ended. */
  async function look(program: Seen['program']): Promise<Seen> {
    const { client, visitor } = suite;
    const env = [{ name: 'IGNORE_TERM', value: '1' }];
    const image = CONTRACT_IMAGES[program];
    const service = helloService(NAMESPACE, program, {
      annotations: { 'autoscaling.knative.dev/minScale': '1' },
    });
    service.spec.template.spec.containers = [
      {
        name: 'app',
        image,
        ports: [{ containerPort: 8080 }],
        env: [...env, { name: 'PRICE', value: '$(PORT) and $5' }],
        volumeMounts: [{ name: 'scratch', mountPath: '/volume' }],
      },
      { name: 'beside', image, env: [...env, { name: 'CONTRACT_MODE', value: 'worker' }] },
    ];
    service.spec.template.spec.volumes = [{ name: 'scratch', emptyDir: { sizeLimit: '32Mi' } }];
    await applyService(client, service);
    const url = (await serviceReady(client, NAMESPACE, program)).status?.url ?? '';
    const headers = { 'X-Forwarded-For': '203.0.113.7', traceparent: TRACE };
    const { status, body } = await visitor.ask(`${url}/path?query=1`, { headers });
    assert.equal(status, 200, body);
    const [pod] = await podsOf(client, NAMESPACE, program);
    assert.ok(pod);
    const { app, beside } = await endOf(pod);
    const [first, ...rest] = beside;
    const server = { namespace: SYSTEM_NAMESPACE, name: 'homerun-metadata' };
    return {
      program,
      report: JSON.parse(body),
      beside: first as Report,
      ends: { app, beside: rest },
      pod,
      host: new URL(url).host,
      metadataServer: (await client.get(CORE_SERVICES, server))?.spec?.clusterIP ?? '',
    };
  }

  /** What its containers write until they end, after it was asked to. */
  async function endOf({ metadata }: Pod): Promise<Record<'app' | 'beside', object[]>> {
    const app = linesUntilEnd(NAMESPACE, metadata.name, 'app');
    const beside = linesUntilEnd(NAMESPACE, metadata.name, 'beside');
    await suite.client.delete(PODS, metadata);
    return { app: await app, beside: await beside };
  }

  for (const program of ['go', 'node'] as const) {
    it(`${program}, as a task: it writes its report and exits with the code that it is given`, async () => {
      const ref = { namespace: NAMESPACE, name: `task-${program}` };
      const env = [
        { name: 'CONTRACT_MODE', value: 'job' },
        { name: 'EXIT_CODE', value: '3' },
      ];
      const container = { name: 'task', image: CONTRACT_IMAGES[program], env };
      const spec = { restartPolicy: 'Never', containers: [container] };
      await suite.client.create(PODS, { apiVersion: 'v1', kind: 'Pod', metadata: ref, spec } as Pod);
      const ended = await until('the task to end', async () => {
        const pod = await suite.client.get<Pod>(PODS, ref);
        return pod?.status?.containerStatuses?.[0]?.state?.terminated;
      });
      assert.equal(ended.exitCode, 3);
      const [report] = (await linesUntilEnd(NAMESPACE, ref.name, 'task')) as Report[];
      assert.deepEqual([report?.program, report?.env.EXIT_CODE], [program, '3']);
    });
  }

  for (const [key, { what, says, here }] of Object.entries<RuntimeContractRow>(RUNTIME_CONTRACT)) {
    const { is, want } = CHECKS[key as RuntimeContractKey];
    for (const program of ['go', 'node'] as const) {
      it(`${program}, ${what}: ${here ?? says}`, () => {
        const wanted = typeof want === 'function' ? want(seen[program]) : want;
        assert.deepEqual(is(seen[program]), wanted, RUNTIME_CONTRACT[key as RuntimeContractKey].document);
      });
    }
  }
});
