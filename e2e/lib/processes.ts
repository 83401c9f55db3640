import { readdir, readFile } from 'node:fs/promises';

/**
 * The process with this variable in its environment, by this machine's numbering: the node's processes are this machine's,
 * with kind as with the local node. Undefined while there is none.
 */
export async function processWith(variable: string): Promise<number | undefined> {
  for (const pid of await processes()) {
    if ((await wordsOf(pid, 'environ')).includes(variable)) return pid;
  }
  return undefined;
}

/** The process of a pod of Homerun's. */
export function podProcess(pod: string): Promise<number | undefined> {
  return processWith(`POD_NAME=${pod}`);
}

/** Kills a process of an execution's tasks on the node, behind Kubernetes' back. */
export async function killTask(execution: string): Promise<void> {
  const pid = await processWith(`CLOUD_RUN_EXECUTION=${execution}`);
  if (!pid) throw new Error(`no process of execution ${execution} was found`);
  process.kill(pid, 'SIGKILL');
}

/** All processes of this machine. */
export async function processes(): Promise<number[]> {
  return (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
}

/** The command line, or the environment, of a process; nothing of one that has ended or is not ours. */
export async function wordsOf(pid: number, what: 'cmdline' | 'environ'): Promise<string[]> {
  const text = await readFile(`/proc/${pid}/${what}`, 'utf8').catch(() => '');
  return text.split('\0');
}
