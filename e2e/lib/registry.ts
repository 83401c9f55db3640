import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
/** Where pods and the node find the cluster's registry, and where the machine that runs the tests does. */
const INSIDE = 'registry.kube-system.svc';
const OUTSIDE = '127.0.0.1:5000';

/** Gives an image of the cluster's registry another name, or moves that name to it: `hello:1`. @returns the reference for pods. */
export async function tagImage(image: string, tag: string): Promise<string> {
  await run('crane', ['copy', '--insecure', `${OUTSIDE}/${image}`, `${OUTSIDE}/${tag}`]);
  return `${INSIDE}/${tag}`;
}

/** Moves a name to an image with the same files and another digest. @returns the digest. */
export async function moveTag(tag: string): Promise<string> {
  const label = `moved=${Date.now()}`;
  await run('crane', [
    'mutate',
    '--insecure',
    '--label',
    label,
    '--tag',
    `${OUTSIDE}/${tag}`,
    `${OUTSIDE}/${tag}`,
  ]);
  const { stdout } = await run('crane', ['digest', '--insecure', `${OUTSIDE}/${tag}`]);
  return stdout.trim();
}
