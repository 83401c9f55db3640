import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import {
  type FileHandle,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  rmdir,
  stat,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { compareTexts } from '../../kube/json.ts';
import { ApiError } from '../errors.ts';
import { demandRoom, demandWhole } from './room.ts';
import type { Chunk, ObjectName, ObjectStore, Session, StoredObject, StoreLimits } from './store.ts';

const OBJECTS = 'objects';
const UPLOADS = 'uploads';
const DATA = 'data';
const DESCRIPTION = 'object.json';
/** An upload is named by a UUID, which leads to no other folder. */
const UPLOAD = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Objects in a folder that several processes may share: `objects/BUCKET/HASH OF THE NAME/GENERATION/{data,object.json}`. What
 * arrives is written to `uploads/UUID`, flushed to the disk, and moved to its place as a whole, so that a crash leaves
 * nothing but an upload to sweep.
 */
export class FileStore implements ObjectStore {
  readonly #root: string;
  readonly #limits: StoreLimits;
  readonly #now: () => number;

  constructor(root: string, limits: StoreLimits, now: () => number = Date.now) {
    this.#root = root;
    this.#limits = limits;
    this.#now = now;
  }

  async put(object: Session, content: AsyncIterable<Uint8Array>): Promise<StoredObject> {
    const upload = await this.begin(object);
    try {
      const size = await this.#write(upload, object, { content, from: 0 });
      return await this.#commit(upload, object, size);
    } catch (error) {
      await this.#drop(upload);
      throw error;
    }
  }

  async get({ bucket, name, generation }: ObjectName): Promise<StoredObject | undefined> {
    const generations = await this.#generations(bucket, hashOf(name));
    const wanted =
      generation === undefined ? generations.at(-1) : generations.find((each) => each === generation);
    return wanted === undefined ? undefined : this.#describe(bucket, hashOf(name), wanted);
  }

  read({ bucket, name, generation }: StoredObject): AsyncIterable<Uint8Array> {
    return createReadStream(join(this.#folder(bucket, hashOf(name), generation), DATA));
  }

  async list(bucket: string, all = false): Promise<StoredObject[]> {
    const found: StoredObject[] = [];
    for (const hash of await entriesOf(this.#folder(bucket))) {
      const generations = await this.#generations(bucket, hash);
      for (const generation of all ? generations : generations.slice(-1)) {
        const object = await this.#describe(bucket, hash, generation);
        if (object) found.push(object);
      }
    }
    return found.sort((a, b) => compareTexts(a.name, b.name));
  }

  async delete({ bucket, name, generation }: ObjectName): Promise<boolean> {
    const generations = await this.#generations(bucket, hashOf(name));
    const gone = generation === undefined ? generations : generations.filter((each) => each === generation);
    for (const each of gone) {
      // Out of sight at once: a folder is not removed in one step.
      const removed = this.#upload(randomUUID());
      await present(rename(this.#folder(bucket, hashOf(name), each), removed));
      await rm(removed, { recursive: true, force: true });
    }
    return gone.length > 0;
  }

  buckets(): Promise<string[]> {
    return entriesOf(this.#folder());
  }

  async begin({ bucket, name, contentType }: Session): Promise<string> {
    const upload = randomUUID();
    const folder = this.#upload(upload);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, DATA), '');
    // Last: one without it was never begun.
    await writeFile(join(folder, DESCRIPTION), JSON.stringify({ bucket, name, contentType }));
    return upload;
  }

  async progress(upload: string): Promise<(Session & { received: number }) | undefined> {
    if (!UPLOAD.test(upload)) return undefined;
    const session = await readJson<Session>(join(this.#upload(upload), DESCRIPTION));
    if (!session) return undefined;
    // It may become an object meanwhile.
    const data = await present(stat(join(this.#upload(upload), DATA)));
    return data && { ...session, received: data.size };
  }

  async append(upload: string, chunk: Chunk): Promise<StoredObject | undefined> {
    const session = await this.progress(upload);
    if (!session) throw new ApiError('NOT_FOUND', `Upload '${upload.slice(0, 100)}' does not exist.`);
    const { received } = session;
    if (chunk.from !== received) {
      const message = `The part begins at byte ${chunk.from}; byte ${received} is the next of this upload.`;
      throw new ApiError('INVALID_ARGUMENT', message);
    }
    const size = await this.#write(upload, session, chunk);
    if (size > (chunk.total ?? size)) {
      throw new ApiError(
        'INVALID_ARGUMENT',
        `The upload has more than the ${chunk.total} bytes that it was to have.`,
      );
    }
    return chunk.total === size ? this.#commit(upload, session, size) : undefined;
  }

  async sweep(before: number): Promise<void> {
    for (const name of await entriesOf(join(this.#root, UPLOADS))) {
      const folder = this.#upload(name);
      const last = (await present(stat(join(folder, DATA)))) ?? (await present(stat(folder)));
      if (last && last.mtimeMs < before) await rm(folder, { recursive: true, force: true });
    }
    for (const bucket of await this.buckets()) {
      for (const hash of await entriesOf(this.#folder(bucket)))
        await removeIfEmpty(this.#folder(bucket, hash));
      await removeIfEmpty(this.#folder(bucket));
    }
  }

  /** Adds to what an upload has; gives its size then. A part that breaks off stays: the client goes on where it ended. */
  async #write(upload: string, { bucket }: Session, { content, from, total = from }: Chunk): Promise<number> {
    const room = await this.#room(bucket);
    demandRoom(total, room, bucket, this.#limits);
    const file = await open(join(this.#upload(upload), DATA), 'a');
    let size = from;
    try {
      for await (const chunk of content) {
        size += chunk.length;
        demandRoom(size, room, bucket, this.#limits);
        await file.appendFile(chunk);
      }
      await file.sync();
    } finally {
      await file.close();
    }
    return size;
  }

  /** Bytes that a bucket may still take. What other requests are writing at this moment is not counted. */
  async #room(bucket: string): Promise<number> {
    const objects = await this.list(bucket, true);
    return this.#limits.bucketBytes - objects.reduce((sum, { size }) => sum + size, 0);
  }

  /** @param size that the upload has for the request that ends it. */
  async #commit(upload: string, session: Session, size: number): Promise<StoredObject> {
    const { bucket, name, contentType } = session;
    const folder = this.#upload(upload);
    const { size: found, md5Hash } = await digestOf(join(folder, DATA));
    demandWhole(found, size);
    for (let generation = BigInt(this.#now()) * 1000n; ; generation++) {
      const object: StoredObject = {
        bucket,
        name,
        generation: String(generation),
        size,
        contentType,
        md5Hash,
        timeCreated: new Date(this.#now()).toISOString(),
      };
      await synced(join(folder, DESCRIPTION), JSON.stringify(object));
      if (await moved(folder, this.#folder(bucket, hashOf(name), object.generation))) return object;
    }
  }

  async #drop(upload: string): Promise<void> {
    await rm(this.#upload(upload), { recursive: true, force: true });
  }

  async #generations(bucket: string, hash: string): Promise<string[]> {
    const names = await entriesOf(this.#folder(bucket, hash));
    return names.sort((a, b) => Number(BigInt(a) - BigInt(b)));
  }

  #describe(bucket: string, hash: string, generation: string): Promise<StoredObject | undefined> {
    return readJson<StoredObject>(join(this.#folder(bucket, hash, generation), DESCRIPTION));
  }

  #folder(...parts: string[]): string {
    return join(this.#root, OBJECTS, ...parts);
  }

  #upload(name: string): string {
    return join(this.#root, UPLOADS, name);
  }
}

function hashOf(name: string): string {
  return createHash('sha256').update(name).digest('hex');
}

async function entriesOf(folder: string): Promise<string[]> {
  return (await present(readdir(folder))) ?? [];
}

async function readJson<T>(path: string): Promise<T | undefined> {
  const text = await present(readFile(path, 'utf8'));
  return text === undefined ? undefined : (JSON.parse(text) as T);
}

/** @returns undefined for what is not there, or not any more. */
async function present<T>(act: Promise<T>): Promise<T | undefined> {
  try {
    return await act;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Moves a folder to where nothing is yet; false where something is. */
async function moved(from: string, to: string): Promise<boolean> {
  try {
    await mkdir(join(to, '..'), { recursive: true });
    await rename(from, to);
    return true;
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'ENOTEMPTY' || code === 'EEXIST') return false;
    throw error;
  }
}

async function removeIfEmpty(folder: string): Promise<void> {
  const names = await entriesOf(folder);
  if (names.length > 0) return;
  // Something may be in it by now; then it stays.
  await rmdir(folder).catch(() => {});
}

async function synced(path: string, text: string): Promise<void> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, 'w');
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file?.close();
  }
}

async function digestOf(path: string): Promise<{ size: number; md5Hash: string }> {
  const hash = createHash('md5');
  let size = 0;
  for await (const chunk of createReadStream(path)) {
    hash.update(chunk as Uint8Array);
    size += (chunk as Uint8Array).length;
  }
  return { size, md5Hash: hash.digest('base64') };
}
