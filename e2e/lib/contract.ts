import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** An answer of the metadata server, as a program inside got it. */
export interface MetadataAnswer {
  status: number;
  flavor?: string;
  body: string;
}

/** What the contract images tell of themselves (e2e/images/contract). */
export interface Report {
  program: 'go' | 'node';
  env: Record<string, string>;
  pid: number;
  uid: number;
  gid: number;
  folder: string;
  /** Whether a file could be written there and read back. */
  writable: Record<'.' | '/tmp', boolean>;
  mounts: string[];
  /** What is mounted at /volume. */
  volume?: { type: string; bytes: number };
  /** Whether the folder with the Kubernetes token exists. */
  token: boolean;
  /** /proc/self/status. */
  status: Record<string, string>;
  limits: { soft: string; hard: string };
  cgroup: { cpus: number; cpuWeight: number; memoryBytes: number };
  cpus: number;
  kernel: { fileMax: string; maxMapCount: string; product: string };
  addresses: string[];
  metadata: {
    answers: Record<string, MetadataAnswer>;
    withoutHeader: MetadataAnswer;
    forwarded: MetadataAnswer;
  };
  request?: { method: string; uri: string; host: string; protocol: string; headers: Record<string, string> };
}

/** The lines of JSON that a container writes from its start to its end; kubectl follows its log. */
export async function linesUntilEnd(namespace: string, pod: string, container: string): Promise<object[]> {
  const args = ['logs', '--follow', '--namespace', namespace, '--container', container, pod];
  const kubectl = spawn('kubectl', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: object[] = [];
  for await (const line of createInterface(kubectl.stdout)) lines.push(JSON.parse(line) as object);
  return lines;
}
