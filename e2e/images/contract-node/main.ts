import { randomUUID } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { existsSync, openSync, readFileSync, rmSync, statfsSync, writeFileSync, writeSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

// The program of ../contract in JavaScript: the same modes (CONTRACT_MODE, EXIT_CODE, IGNORE_TERM), the same paths
// and the same report.

const METADATA_SERVER = 'http://metadata.google.internal';
const TOKEN_FOLDER = '/var/run/secrets/kubernetes.io';
const METADATA_PATHS = [
  'project/project-id',
  'project/numeric-project-id',
  'instance/region',
  'instance/zone',
  'instance/id',
  'instance/service-accounts/default/email',
  'instance/service-accounts/default/identity?audience=contract',
  'instance/service-accounts/default/token',
];

/** All that the program finds; with a request, how that arrived. */
async function report(request?: IncomingMessage): Promise<object> {
  const folder = process.cwd();
  return {
    program: 'node',
    env: process.env,
    pid: process.pid,
    uid: process.getuid?.(),
    gid: process.getgid?.(),
    folder,
    writable: { '.': isWritable(folder), '/tmp': isWritable('/tmp') },
    mounts: lines('/proc/self/mountinfo').flatMap((line) => line.split(' ')[4] ?? []),
    volume: volume('/volume'),
    token: existsSync(TOKEN_FOLDER),
    status: Object.fromEntries(lines('/proc/self/status').map((line) => line.split(/:\s*/, 2))),
    limits: openFiles(),
    cgroup: cgroup(),
    cpus: availableParallelism(),
    kernel: {
      fileMax: text('/proc/sys/fs/file-max'),
      maxMapCount: text('/proc/sys/vm/max_map_count'),
      product: text('/sys/class/dmi/id/product_name'),
    },
    addresses: await addresses('metadata.google.internal'),
    metadata: await metadata(),
    request: request && {
      method: request.method,
      uri: request.url,
      host: request.headers.host,
      protocol: `HTTP/${request.httpVersion}`,
      headers: Object.fromEntries(
        Object.entries(request.headersDistinct)
          .filter(([name]) => name !== 'host')
          .map(([name, values]) => [name, values?.join(', ')]),
      ),
    },
  };
}

/** Writes a file, reads it back and removes it. */
function isWritable(folder: string): boolean {
  const name = `${folder}/contract-probe`;
  try {
    writeFileSync(name, 'written');
    return text(name) === 'written';
  } catch {
    return false;
  } finally {
    rmSync(name, { force: true });
  }
}

/** The kind and the size of what is mounted at a path. */
function volume(path: string): object | undefined {
  const line = lines('/proc/self/mountinfo').find((each) => each.split(' ')[4] === path);
  if (!line) return undefined;
  const { blocks, bsize } = statfsSync(path);
  return { type: line.split(' - ')[1]?.split(' ')[0], bytes: blocks * bsize };
}

/** RLIMIT_NOFILE according to the kernel: the runtime has raised its own soft limit by now. */
function openFiles(): object {
  const line = lines('/proc/self/limits').find((each) => each.startsWith('Max open files')) ?? '';
  const [soft, hard] = line.replace('Max open files', '').trim().split(/\s+/);
  return { soft, hard };
}

/**
 * What the kernel holds the container to, in cores and bytes; 0 is no limit (cgroup v2, else v1). Its weight beside others
 * follows from the CPU request.
 */
function cgroup(): object {
  const root = '/sys/fs/cgroup';
  let [quota, period] = text(`${root}/cpu.max`).split(' ');
  let memory = text(`${root}/memory.max`);
  let weight = text(`${root}/cpu.weight`);
  if (!period) {
    quota = text(`${root}/cpu/cpu.cfs_quota_us`);
    period = text(`${root}/cpu/cpu.cfs_period_us`);
    memory = text(`${root}/memory/memory.limit_in_bytes`);
    weight = text(`${root}/cpu/cpu.shares`);
  }
  return { cpus: share(quota, period), cpuWeight: share(weight, '1'), memoryBytes: share(memory, '1') };
}

function share(quota: string | undefined, period: string): number {
  const cores = Number(quota) / Number(period);
  return cores > 0 ? cores : 0;
}

async function addresses(name: string): Promise<string[]> {
  try {
    return (await lookup(name, { all: true })).map(({ address }) => address);
  } catch {
    return [];
  }
}

async function metadata(): Promise<object> {
  const flavor = { 'Metadata-Flavor': 'Google' };
  const answers = METADATA_PATHS.map(async (path) => [path, await ask(path, flavor)]);
  return {
    answers: Object.fromEntries(await Promise.all(answers)),
    withoutHeader: await ask('instance/id', {}),
    forwarded: await ask('instance/id', { ...flavor, 'X-Forwarded-For': '10.0.0.1' }),
  };
}

async function ask(path: string, headers: Record<string, string>): Promise<object> {
  try {
    const url = `${METADATA_SERVER}/computeMetadata/v1/${path}`;
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(10_000) });
    const body = await response.text();
    return { status: response.status, flavor: response.headers.get('metadata-flavor') ?? '', body };
  } catch (error) {
    return { status: 0, body: String(error) };
  }
}

/** A file's content, empty when it cannot be read. */
function text(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}

function lines(file: string): string[] {
  return text(file).split('\n');
}

const kept: Buffer[] = [];

/** Takes so many megabytes of memory and keeps them. */
function allocate(mb: number): object {
  for (let i = 0; i < mb; i++) kept.push(Buffer.alloc(2 ** 20, 1));
  return { keptMb: kept.length };
}

/** Writes so many megabytes to a file and leaves it there. */
function write(folder: string, mb: number): object {
  const file = `${folder}/written-${randomUUID()}`;
  const descriptor = openSync(file, 'w');
  for (let i = 0; i < mb; i++) writeSync(descriptor, Buffer.alloc(2 ** 20));
  return { file };
}

async function answer(request: IncomingMessage): Promise<object> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
  const mb = Number(searchParams.get('mb'));
  if (pathname === '/cpu') return cgroup();
  if (pathname === '/allocate') return allocate(mb);
  if (pathname === '/write') return write(searchParams.get('in') ?? '/tmp', mb);
  return report(request);
}

function serve(): void {
  const server = createServer(async (request, response) => {
    const value = await answer(request);
    response.setHeader('Content-Type', 'application/json').end(JSON.stringify(value));
  });
  server.listen(Number(process.env.PORT), '0.0.0.0');
}

/** Tells of SIGTERM, and that it is still alive until it is killed if it is to. */
async function last(): Promise<void> {
  const start = performance.now();
  say({ signal: 'SIGTERM' });
  while (process.env.IGNORE_TERM === '1') {
    await sleep(250);
    say({ aliveMs: Math.round(performance.now() - start) });
  }
  process.exit(0);
}

/** One line on stdout, written before anything else happens. */
function say(value: object): void {
  writeSync(1, `${JSON.stringify(value)}\n`);
}

process.on('SIGTERM', () => void last());
const mode = process.env.CONTRACT_MODE || 'service';
if (mode === 'service') serve();
else if (mode === 'job' || mode === 'worker') {
  say(await report());
  if (mode === 'job') process.exit(Number(process.env.EXIT_CODE ?? 0));
  setInterval(() => {}, 60_000);
} else {
  console.error(`contract: CONTRACT_MODE must be service, job or worker, not ${mode}`);
  process.exit(2);
}
