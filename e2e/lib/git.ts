import { execFileSync } from 'node:child_process';

/** The root of the repository. */
export const ROOT = new URL('../..', import.meta.url).pathname;

/** Runs git in the repository and gives what it prints. */
export function git(...args: string[]): string {
  return execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', stdio: 'pipe' }).trim();
}

/** What git prints; nothing where there is no such commit, no history or no git. */
export function gitIfAny(...args: string[]): string {
  try {
    return git(...args);
  } catch {
    return '';
  }
}
