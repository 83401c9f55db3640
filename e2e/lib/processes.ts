import { readdir, readFile } from 'node:fs/promises';

/**
 * Kills a process of an execution's tasks on the node, behind Kubernetes' back: the node's processes are this
 * machine's, with kind as with the local node.
 */
export async function killTask(execution: string): Promise<void> {
  const wanted = `CLOUD_RUN_EXECUTION=${execution}`;
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
    if (!environment.split('\0').includes(wanted)) continue;
    process.kill(Number(pid), 'SIGKILL');
    return;
  }
  throw new Error(`no process of execution ${execution} was found`);
}
