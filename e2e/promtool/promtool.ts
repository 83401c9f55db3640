import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { stringify } from 'yaml';
import { toolFolder } from '../chart/helm.ts';

const run = promisify(execFile);

/**
 * Runs the pinned promtool, which is built first if it is not cached, beside these files (name -> content, as YAML where it
 * is no text). @returns what it prints. @throws with what it said when it fails.
 */
export async function promtool(files: Readonly<Record<string, unknown>>, ...args: string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'homerun-promtool-'));
  try {
    for (const [name, content] of Object.entries(files))
      await writeFile(join(folder, name), typeof content === 'string' ? content : stringify(content));
    const { stdout } = await run(join(toolFolder('promtool'), 'promtool'), args, {
      cwd: folder,
      maxBuffer: 64 << 20,
    });
    return stdout;
  } catch (error) {
    const {
      stdout = '',
      stderr = '',
      message,
    } = error as { stdout?: string; stderr?: string; message: string };
    throw new Error(`promtool ${args.join(' ')}:\n${stdout}${stderr || message}`, { cause: error });
  } finally {
    await rm(folder, { recursive: true });
  }
}
