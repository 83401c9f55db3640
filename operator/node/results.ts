import { closeSync, constants, type FSWatcher, openSync, readSync, watch } from 'node:fs';
import { join } from 'node:path';
import { type CniResult, POD_INTERFACE, parseCniResult } from './cniResult.ts';

/** An entry is some 2 kB: most of it is the network's configuration. */
const MAX_ENTRY_BYTES = 64 * 1024;
/** So many of the newest entries are remembered, to tell whose address has gone when one is removed. */
const MAX_REMEMBERED = 1000;

/** Not to wait for a writer, and not to follow a link out of the folder. */
const READ_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;

export interface ResultsOptions {
  directory: string;
  /** Whether the addresses of this pod matter. */
  isWanted: (result: CniResult) => boolean;
  /** A pod has got its addresses. */
  added: (result: CniResult) => void;
  /** A pod has lost them. */
  removed: (uid: string) => void;
}

/**
 * Watches the folder with plugins' results (inotify). What stood there before is not read: the API shows those addresses
 * already, or will before long. The folder is read without a thread of its own, as an entry is a fraction of a
 * millisecond's work.
 */
export class Results {
  readonly #options: ResultsOptions;
  readonly #buffer = Buffer.alloc(MAX_ENTRY_BYTES);
  /** UID of the pod by file. */
  readonly #files = new Map<string, string>();
  /** The newest file by UID: a pod whose sandbox is made anew has two for a while. */
  readonly #newest = new Map<string, { file: string; ips: string }>();

  constructor(options: ResultsOptions) {
    this.#options = options;
  }

  /**
   * Watches until `signal` aborts.
   * @returns the watch; its `error` event ends it.
   * @throws when there is no such folder, it cannot be read, or the node has no inotify instance left.
   */
  watch(signal: AbortSignal): FSWatcher {
    return watch(this.#options.directory, { signal }, (_event, file) => {
      if (file?.endsWith(`-${POD_INTERFACE}`)) this.changed(file);
    });
  }

  /** A file was created, written or removed. */
  changed(file: string): void {
    const text = this.#read(file);
    if (text === undefined) this.#remove(file);
    else this.#add(file, text);
  }

  #add(file: string, text: string): void {
    const result = parseCniResult(text);
    if (!result || !this.#options.isWanted(result)) return;
    const { uid } = result;
    const ips = result.ips.join();
    const known = this.#newest.get(uid);
    if (known?.file === file && known.ips === ips) return;
    this.#files.delete(file);
    this.#files.set(file, uid);
    this.#newest.set(uid, { file, ips });
    const [oldest] = this.#files.keys();
    if (this.#files.size > MAX_REMEMBERED && oldest !== undefined) this.#forget(oldest);
    this.#options.added(result);
  }

  #remove(file: string): void {
    const uid = this.#forget(file);
    if (uid !== undefined) this.#options.removed(uid);
  }

  /** @returns the pod whose newest file it was. */
  #forget(file: string): string | undefined {
    const uid = this.#files.get(file);
    this.#files.delete(file);
    if (uid === undefined || this.#newest.get(uid)?.file !== file) return undefined;
    this.#newest.delete(uid);
    return uid;
  }

  /** @returns undefined when the file is not there; an empty text when it cannot be an entry. */
  #read(file: string): string | undefined {
    let descriptor: number;
    try {
      descriptor = openSync(join(this.#options.directory, file), READ_FLAGS);
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'ENOENT' ? undefined : '';
    }
    try {
      const size = readSync(descriptor, this.#buffer, 0, MAX_ENTRY_BYTES, 0);
      return size < MAX_ENTRY_BYTES ? this.#buffer.toString('utf8', 0, size) : '';
    } catch {
      return '';
    } finally {
      closeSync(descriptor);
    }
  }
}
