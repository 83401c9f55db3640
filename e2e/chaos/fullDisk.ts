import { type FileHandle, open, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { canary } from './canary.ts';
import { isNodeError, SharedDiskError } from './errors.ts';
import { STATE } from './processes.ts';
import type { Injected, Scene } from './scene.ts';

const LASTS_MS = 20_000;
const ZEROS = Buffer.alloc(1024 ** 2);
const ONE_BYTE = Buffer.alloc(1);

/**
 * The disk of the node is full: containerd unpacks nothing, the kubelet starts nothing, no log is written, and etcd takes no
 * change. The kubelet of the local node evicts nothing for it, so that it is as bad as it can be.
 */
export async function fullDisk({ client, clock }: Scene): Promise<Injected> {
  if (!(await isOwnDisk())) throw new SharedDiskError();
  const at = clock();
  const path = join(STATE, 'full');
  const file = await open(path, 'w');
  try {
    for (const end = at + LASTS_MS; clock() < end; await sleep(100)) await fill(file);
  } finally {
    await file.close();
    await rm(path);
    await clearNetworks();
  }
  return { target: STATE, at, overAt: clock(), isBack: canary(client) };
}

/** Writes until no byte is left; what was freed since the last time too. */
async function fill(file: FileHandle): Promise<void> {
  for (const chunk of [ZEROS, ONE_BYTE]) {
    try {
      for (;;) await file.writeFile(chunk);
    } catch (error) {
      if (!isNodeError(error, 'ENOSPC')) throw error;
    }
  }
}

/**
 * Removes what the CNI library could not write of the networks that it was setting up. It would not read it again either,
 * and so neither start nor end those pods for ever: who frees a disk removes such files.
 */
async function clearNetworks(): Promise<void> {
  const folder = join(STATE, 'mounts/var/lib/cni/results');
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    // One of a pod that ends may be gone meanwhile.
    const size = (await stat(path).catch(() => undefined))?.size;
    if (size === 0) await rm(path, { force: true });
  }
}

/** Whether the node has a file system to itself, as `start` gives it; the machine's own must not be filled. */
async function isOwnDisk(): Promise<boolean> {
  const disk = dirname(STATE);
  const [node, inside, outside] = await Promise.all([STATE, disk, dirname(disk)].map((path) => stat(path)));
  return node?.dev === inside?.dev && inside?.dev !== outside?.dev;
}
