import { execFile } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

const AUTHOR = ['-c', 'user.name=Homerun', '-c', 'user.email=homerun@example.com'];

/** A Git repository on this machine with one branch, and the folder in which its commits are made. */
export class Repository {
  /** Where others read it. */
  readonly url: string;
  readonly #folder: string;

  private constructor(folder: string, bare: string) {
    this.#folder = folder;
    this.url = pathToFileURL(bare).href;
  }

  /** @param parent a folder in which it is made. */
  static async create(parent: string): Promise<Repository> {
    const [folder, bare] = [join(parent, 'checkout'), join(parent, 'repository.git')];
    await mkdir(parent, { recursive: true });
    await git(parent, 'init', '--quiet', '--bare', '--initial-branch=main', bare);
    await git(parent, 'clone', '--quiet', bare, folder);
    return new Repository(folder, bare);
  }

  /**
   * Commits files and pushes them.
   * @param files paths -> contents; undefined removes the file.
   * @returns the commit.
   */
  async commit(message: string, files: Readonly<Record<string, string | undefined>>): Promise<string> {
    for (const [path, content] of Object.entries(files)) {
      const file = join(this.#folder, path);
      await mkdir(join(file, '..'), { recursive: true });
      if (content === undefined) await rm(file);
      else await writeFile(file, content);
    }
    await git(this.#folder, 'add', '--all');
    await git(this.#folder, ...AUTHOR, 'commit', '--quiet', '--message', message);
    return this.#push();
  }

  /** Reverts the last commit and pushes that. @returns the new commit. */
  async revert(): Promise<string> {
    await git(this.#folder, ...AUTHOR, 'revert', '--no-edit', 'HEAD');
    return this.#push();
  }

  /** All that the last commit has, as a tar.gz. */
  async archive(): Promise<Buffer> {
    // Of the tree: that of a commit would begin with a header that names it, which is no file.
    const args = ['archive', '--format=tar.gz', 'HEAD^{tree}'];
    return (await promisify(execFile)('git', args, { cwd: this.#folder, encoding: 'buffer' })).stdout;
  }

  async #push(): Promise<string> {
    await git(this.#folder, 'push', '--quiet', 'origin', 'HEAD:main');
    return (await git(this.#folder, 'rev-parse', 'HEAD')).trim();
  }
}

async function git(cwd: string, ...args: string[]): Promise<string> {
  return (await promisify(execFile)('git', args, { cwd })).stdout;
}
