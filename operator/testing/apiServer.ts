import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { request } from 'undici';
import { KubeClient } from '../kube/client.ts';
import { apiAgent, type Connection } from '../kube/connection.ts';
import type { KubeObject } from '../kube/types.ts';
import { makeCertificates } from './certificates.ts';
import { freePort } from './freePort.ts';
import { until } from './until.ts';

const READY_MS = 30_000;
/** How often programs are started at most: a port that was free may be another one's a moment later. */
const STARTS = 3;
/** What etcd takes in one transaction (--max-txn-ops). */
const MOST_OPERATIONS = 128;
const toolFolder = fileURLToPath(new URL('../../e2e/cluster/kube-binary', import.meta.url));

/**
 * A real kube-apiserver on a real etcd, both on loopback and in a folder of their own, as cluster administrator.
 * There is no kubelet, and no controller unless a test starts one: nothing makes pods, deletes dependents or service
 * accounts.
 *
 *     const server = await ApiServer.start();   // in before(), with this.timeout(60_000)
 *     await server.kill(); await server.restart();
 *     await server.stop();                      // in after(); also done when the test process ends in any way
 */
export class ApiServer {
  readonly connection: Connection;
  readonly client: KubeClient;
  /** A kubeconfig file with client certificates. */
  readonly kubeconfig: string;
  readonly port: number;
  readonly #folder: string;
  readonly #programs: string;
  readonly #etcdPort: number;
  readonly #flags: readonly string[];
  #etcd: ChildProcess | undefined;
  #server: ChildProcess | undefined;
  #controllers: ChildProcess | undefined;
  #kept: Map<string, string> | undefined;
  readonly #onExit = () => this.#remove();

  private constructor(
    programs: string,
    folder: string,
    flags: readonly string[],
    [port, etcdPort, peerPort]: [number, number, number],
  ) {
    this.#programs = programs;
    this.#flags = flags;
    this.#folder = folder;
    this.#etcdPort = etcdPort;
    this.port = port;
    process.on('exit', this.#onExit);
    makeCertificates(folder);
    const read = (name: string) => readFileSync(join(folder, name));
    const tls = { ca: read('ca.crt'), cert: read('admin.crt'), key: read('admin.key') };
    this.connection = {
      server: `https://127.0.0.1:${port}`,
      dispatcher: apiAgent(tls),
      headers: () => ({}),
    };
    this.client = new KubeClient(this.connection);
    this.kubeconfig = join(folder, 'kubeconfig');
    writeFileSync(this.kubeconfig, kubeconfig(this.connection.server));
    this.#etcd = this.#run('etcd', [
      '--data-dir=etcd',
      `--listen-client-urls=http://127.0.0.1:${etcdPort}`,
      `--advertise-client-urls=http://127.0.0.1:${etcdPort}`,
      `--listen-peer-urls=http://127.0.0.1:${peerPort}`,
      '--unsafe-no-fsync',
      '--log-level=warn',
    ]);
  }

  /**
   * Ready to answer; some seconds once the programs are built.
   * @param flags more flags of kube-apiserver.
   */
  static async start(flags: readonly string[] = []): Promise<ApiServer> {
    const programs = execFileSync(toolFolder, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    }).trim();
    for (let starts = 1; ; starts++) {
      const folder = mkdtempSync(join(tmpdir(), 'homerun-apiserver-'));
      const ports: [number, number, number] = [await freePort(), await freePort(), await freePort()];
      const server = new ApiServer(programs, folder, flags, ports);
      try {
        // On a busy machine etcd may take longer than kube-apiserver waits for it.
        await server.#etcdAnswers();
        await server.restart();
        return server;
      } catch (error) {
        const log = server.log();
        await server.stop();
        if (starts === STARTS) throw new Error(`the API server did not start:\n${log}`, { cause: error });
      }
    }
  }

  async #etcdAnswers(): Promise<void> {
    const answers = () => {
      if (this.#etcd?.exitCode) throw new Error(`etcd ended with code ${this.#etcd.exitCode}`);
      return this.#etcdCall('range', { key: 'AA==' }).catch(() => false);
    };
    await until('etcd answers', answers, { timeoutMs: READY_MS });
  }

  /** Resolves when /readyz says ok. */
  async ready(): Promise<void> {
    const { server, dispatcher } = this.connection;
    const isReady = async () => {
      if (this.#server?.exitCode) throw new Error(`kube-apiserver ended with code ${this.#server.exitCode}`);
      const answer = await request(`${server}/readyz`, { dispatcher, headersTimeout: 1_000 }).catch(
        () => undefined,
      );
      await answer?.body.dump();
      return answer?.statusCode === 200;
    };
    await until('kube-apiserver is ready', isReady, { timeoutMs: READY_MS, everyMs: 50 });
  }

  /** kill -9; etcd and what it holds stay. */
  async kill(): Promise<void> {
    await end(this.#server);
    this.#server = undefined;
  }

  /** Starts the API server again after {@link kill} on the same port; resolves when it is ready. */
  async restart(): Promise<void> {
    this.#server = this.#runServer();
    await this.ready();
  }

  /** SIGSTOP: connections stay, and new ones are accepted by the kernel, but nothing answers. */
  pause(): void {
    this.#server?.kill('SIGSTOP');
  }

  resume(): void {
    this.#server?.kill('SIGCONT');
  }

  /** Makes etcd forget all but the present. */
  async compact(): Promise<void> {
    const present = (await this.#etcdCall('range', { key: 'AA==' })) as { header: { revision: string } };
    await this.#etcdCall('compaction', { revision: present.header.revision, physical: true });
  }

  /** Lets the test process end while the server runs, which then ends with it. */
  unref(): void {
    this.#etcd?.unref();
    this.#server?.unref();
  }

  /**
   * Gives etcd copies of an object that the API server has created, under these names, in a fraction of the time that it
   * would take to create them.
   * @param folder where it keeps them: `/registry/configmaps/demo`.
   */
  async storeCopies(folder: string, object: KubeObject, names: readonly string[]): Promise<void> {
    for (let at = 0; at < names.length; at += MOST_OPERATIONS) {
      const puts = names.slice(at, at + MOST_OPERATIONS).map((name) => {
        const copy = { ...object, metadata: { ...object.metadata, name, uid: randomUUID() } };
        return { requestPut: { key: base64(`${folder}/${name}`), value: base64(JSON.stringify(copy)) } };
      });
      await this.#etcdCall('txn', { success: puts });
    }
  }

  /** Keeps what etcd holds now for {@link restore}; once, when the server has made all that it makes by itself. */
  async keepState(): Promise<void> {
    const namespaces = ['default', 'kube-node-lease', 'kube-public', 'kube-system'];
    const keys = namespaces.map((name) => base64(`/registry/namespaces/${name}`));
    const isComplete = async () => {
      this.#kept = await this.#etcdState();
      return keys.every((key) => this.#kept?.has(key));
    };
    await until('the API server has its own namespaces', isComplete);
  }

  /** Gives etcd what {@link keepState} has kept. The API server sees this as it sees every change. */
  async restore(): Promise<void> {
    await end(this.#controllers);
    this.#controllers = undefined;
    const [now, kept = new Map<string, string>()] = [await this.#etcdState(), this.#kept];
    const added = [...now.keys()].filter((key) => !kept.has(key));
    const changed = [...kept].filter(([key, value]) => now.get(key) !== value);
    for (const key of added) await this.#etcdCall('deleterange', { key });
    for (const [key, value] of changed) await this.#etcdCall('put', { key, value });
  }

  /** The end of the logs of etcd and the API server. */
  log(): string {
    const files = ['etcd.log', 'kube-apiserver.log'].map((name) => join(this.#folder, name));
    return files.map((file) => (existsSync(file) ? readFileSync(file, 'utf8').slice(-4_000) : '')).join('');
  }

  /** Starts Kubernetes' own controllers of these names, which then work as fast as they can. */
  startControllers(...names: string[]): void {
    this.#controllers = this.#run('kube-controller-manager', [
      '--kubeconfig=kubeconfig',
      '--leader-elect=false',
      '--secure-port=0',
      `--controllers=${names.join(',')}`,
      '--kube-api-qps=5000',
      '--kube-api-burst=5000',
      '--horizontal-pod-autoscaler-sync-period=1s',
    ]);
  }

  /** Ends all programs and removes their folder. */
  async stop(): Promise<void> {
    process.off('exit', this.#onExit);
    await end(this.#controllers);
    await Promise.all([end(this.#server), end(this.#etcd), this.connection.dispatcher.destroy()]);
    this.#remove();
  }

  #runServer(): ChildProcess {
    return this.#run('kube-apiserver', [
      `--etcd-servers=http://127.0.0.1:${this.#etcdPort}`,
      '--bind-address=127.0.0.1',
      '--advertise-address=127.0.0.1',
      `--secure-port=${this.port}`,
      '--tls-cert-file=server.crt',
      '--tls-private-key-file=server.key',
      '--client-ca-file=ca.crt',
      // How the servers of other APIs know its users.
      '--proxy-client-cert-file=server.crt',
      '--proxy-client-key-file=server.key',
      '--requestheader-client-ca-file=ca.crt',
      '--requestheader-allowed-names=kube-apiserver',
      '--requestheader-username-headers=X-Remote-User',
      '--requestheader-group-headers=X-Remote-Group',
      '--requestheader-extra-headers-prefix=X-Remote-Extra-',
      '--service-account-issuer=https://kubernetes.default.svc',
      '--service-account-key-file=accounts.key',
      '--service-account-signing-key-file=accounts.key',
      '--service-cluster-ip-range=10.96.0.0/24',
      '--authorization-mode=RBAC',
      // Nothing makes the default service account that pods would have to have.
      '--disable-admission-plugins=ServiceAccount',
      ...this.#flags,
    ]);
  }

  #run(name: string, args: string[]): ChildProcess {
    const log = openSync(join(this.#folder, `${name}.log`), 'a');
    // It must not outlive us, even if we are killed.
    const command = ['--pdeathsig', 'KILL', join(this.#programs, name), ...args];
    // Garbage that is collected seldom costs a server that lives for seconds less.
    const env = { ...process.env, GOGC: '400' };
    const child = spawn('setpriv', command, { cwd: this.#folder, env, stdio: ['ignore', log, log] });
    closeSync(log);
    return child;
  }

  /** Keys and values, both in Base64, but for what the API server renews all the time. */
  async #etcdState(): Promise<Map<string, string>> {
    const range = { key: base64('/registry/'), range_end: base64('/registry0') };
    const { kvs } = (await this.#etcdCall('range', range)) as { kvs: { key: string; value: string }[] };
    const own = /^\/registry\/(leases|masterleases|ranges)\//;
    const lasting = kvs.filter(({ key }) => !own.test(String(Buffer.from(key, 'base64'))));
    return new Map(lasting.map(({ key, value }) => [key, value]));
  }

  async #etcdCall(method: string, body: unknown): Promise<unknown> {
    const url = `http://127.0.0.1:${this.#etcdPort}/v3/kv/${method}`;
    const answer = await request(url, { method: 'POST', body: JSON.stringify(body) });
    const text = await answer.body.text();
    if (answer.statusCode !== 200) throw new Error(`etcd ${method}: ${text}`);
    return JSON.parse(text);
  }

  #remove(): void {
    this.#controllers?.kill('SIGKILL');
    this.#server?.kill('SIGKILL');
    this.#etcd?.kill('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function end(child: ChildProcess | undefined): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

function kubeconfig(server: string): string {
  return `apiVersion: v1
kind: Config
clusters: [{name: test, cluster: {server: "${server}", certificate-authority: ca.crt}}]
users: [{name: admin, user: {client-certificate: admin.crt, client-key: admin.key}}]
contexts: [{name: test, context: {cluster: test, user: admin}}]
current-context: test
`;
}
