import { readFile, readlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { processes, wordsOf } from '../lib/processes.ts';
import { OnlyLocalNodeError } from './errors.ts';

/** What the local node keeps running, by the name of its program. */
export const COMPONENTS = [
  'kube-apiserver',
  'etcd',
  'containerd',
  'kubelet',
  'kube-controller-manager',
  'kube-scheduler',
  'kube-proxy',
] as const;

export type Component = (typeof COMPONENTS)[number];

/** The folder of the local node, in which e2e/in has found its kubeconfig. */
export const STATE = dirname(process.env.KUBECONFIG ?? '');

/**
 * The process of a component, by this machine's numbering; undefined while it does not run. Only processes of the node's own
 * namespace are looked at, so that no other of this machine can be meant.
 */
export async function componentProcess(component: Component): Promise<number | undefined> {
  const node = await namespaceOf(await firstProcess());
  for (const pid of await processes()) {
    const [program = ''] = await wordsOf(pid, 'cmdline');
    if (basename(program) === component && (await namespaceOf(pid)) === node) return pid;
  }
  return undefined;
}

async function firstProcess(): Promise<number> {
  try {
    return Number(await readFile(join(STATE, 'pid'), 'utf8'));
  } catch (cause) {
    throw new OnlyLocalNodeError({ cause });
  }
}

/** Of a process that has ended meanwhile, nothing. */
function namespaceOf(pid: number): Promise<string> {
  return readlink(`/proc/${pid}/ns/pid`).catch(() => '');
}
