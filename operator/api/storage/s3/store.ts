import { createHash, randomBytes, randomInt, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { compareTexts } from '../../../kube/json.ts';
import { ApiError } from '../../errors.ts';
import { demandRoom } from '../room.ts';
import type { Chunk, ObjectName, ObjectStore, Session, StoredObject, StoreLimits } from '../store.ts';
import type { S3Client } from './client.ts';
import { S3Error } from './errors.ts';
import { type Part, partsOf } from './parts.ts';

/** What is sent at once, and so what an upload takes of memory. */
const PART_BYTES = 8 << 20;
/** Descriptions that are read at once. */
const READS = 16;
const UPLOAD = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** What is kept of an object: itself, and the keys of its content in their order. */
interface Description {
  object: StoredObject;
  parts: readonly Part[];
}

/** Where the description of an object is, which says what it is of. */
interface Place {
  key: string;
  generation: string;
  upload: string;
}

/**
 * Objects in a bucket of a store that speaks S3, which replicas share. What arrives is written in parts of at most 8 MiB, as
 * `parts/BUCKET/UPLOAD/OFFSET-RANDOM`; no part is written twice. An object is there once its description is, as
 * `objects/BUCKET/HASH OF THE NAME/GENERATION.UPLOAD`, so that a crash leaves nothing but parts to sweep. This takes none
 * of what stores do differently: no uploads in parts by the S3 API, and no conditions.
 */
export class S3Store implements ObjectStore {
  readonly #client: S3Client;
  readonly #limits: StoreLimits;
  readonly #now: () => number;

  constructor(client: S3Client, limits: StoreLimits, now: () => number = Date.now) {
    this.#client = client;
    this.#limits = limits;
    this.#now = now;
  }

  async put(session: Session, content: AsyncIterable<Uint8Array>): Promise<StoredObject> {
    return answered(async () => {
      const upload = randomUUID();
      try {
        await this.#write(upload, session, { content, from: 0 });
        return await this.#commit(upload, session);
      } catch (error) {
        await this.#drop(session.bucket, upload);
        throw error;
      }
    });
  }

  get({ bucket, name, generation }: ObjectName): Promise<StoredObject | undefined> {
    return answered(async () => {
      const places = await this.#places(bucket, hashOf(name));
      const wanted =
        generation === undefined ? places.at(-1) : places.find((each) => each.generation === generation);
      return wanted && (await this.#describe(wanted))?.object;
    });
  }

  read(object: StoredObject): AsyncIterable<Uint8Array> {
    // As a stream: that is what answers are sent from.
    return Readable.from(this.#content(object), { objectMode: false });
  }

  async *#content({ bucket, name, generation }: StoredObject): AsyncIterable<Uint8Array> {
    const places = await this.#places(bucket, hashOf(name));
    const place = places.find((each) => each.generation === generation);
    for (const part of (place && (await this.#describe(place)))?.parts ?? []) yield* this.#part(part);
  }

  list(bucket: string, all = false): Promise<StoredObject[]> {
    return answered(async () => {
      const byName = Map.groupBy(await this.#places(bucket), ({ key }) => key.slice(0, key.lastIndexOf('/')));
      const wanted = [...byName.values()].flatMap((places) => (all ? places : places.slice(-1)));
      const found: StoredObject[] = [];
      for (let first = 0; first < wanted.length; first += READS) {
        const read = wanted.slice(first, first + READS).map((place) => this.#describe(place));
        for (const description of await Promise.all(read)) if (description) found.push(description.object);
      }
      return found.sort((a, b) => compareTexts(a.name, b.name));
    });
  }

  delete({ bucket, name, generation }: ObjectName): Promise<boolean> {
    return answered(async () => {
      const places = await this.#places(bucket, hashOf(name));
      const gone = places.filter((each) => generation === undefined || each.generation === generation);
      for (const { key, upload } of gone) {
        await this.#client.delete(key);
        await this.#drop(bucket, upload);
      }
      return gone.length > 0;
    });
  }

  buckets(): Promise<string[]> {
    return answered(() => this.#client.folders('objects/'));
  }

  begin({ bucket, name, contentType }: Session): Promise<string> {
    return answered(async () => {
      const upload = randomUUID();
      await this.#client.put(sessionKey(upload), Buffer.from(JSON.stringify({ bucket, name, contentType })));
      return upload;
    });
  }

  progress(upload: string): Promise<(Session & { received: number }) | undefined> {
    return answered(async () => {
      const session = await this.#session(upload);
      if (!session) return undefined;
      const parts = await this.#parts(session.bucket, upload);
      return { ...session, received: sizeOf(parts) };
    });
  }

  append(upload: string, chunk: Chunk): Promise<StoredObject | undefined> {
    return answered(async () => {
      const session = await this.#session(upload);
      if (!session) throw new ApiError('NOT_FOUND', `Upload '${upload.slice(0, 100)}' does not exist.`);
      const received = sizeOf(await this.#parts(session.bucket, upload));
      if (chunk.from !== received) {
        const message = `The part begins at byte ${chunk.from}; byte ${received} is the next of this upload.`;
        throw new ApiError('INVALID_ARGUMENT', message);
      }
      const size = await this.#write(upload, session, chunk);
      if (size > (chunk.total ?? size)) {
        const message = `The upload has more than the ${chunk.total} bytes that it was to have.`;
        throw new ApiError('INVALID_ARGUMENT', message);
      }
      if (chunk.total !== size) return undefined;
      const object = await this.#commit(upload, session);
      await this.#client.delete(sessionKey(upload));
      return object;
    });
  }

  /** Removes what uploads have left that nobody went on with, and parts of no object. */
  sweep(before: number): Promise<void> {
    return answered(async () => {
      const needed = new Set<string>();
      for await (const { key, modified } of this.#client.list('uploads/')) {
        if (modified < before) await this.#client.delete(key);
        else needed.add(key.slice('uploads/'.length));
      }
      const old: { key: string; upload: string }[] = [];
      for await (const { key, modified } of this.#client.list('parts/')) {
        const [, , upload = ''] = key.split('/');
        if (modified < before) old.push({ key, upload });
        // As long as something comes it is going on.
        else needed.add(upload);
      }
      // Last, so that what has become an object meanwhile is seen.
      for await (const { key } of this.#client.list('objects/'))
        needed.add(key.slice(key.lastIndexOf('.') + 1));
      for (const { key, upload } of old) if (!needed.has(upload)) await this.#client.delete(key);
    });
  }

  /**
   * Adds to what an upload has; gives its size then. Of a request that breaks off the whole parts stay: the client goes on
   * where they end.
   */
  async #write(upload: string, { bucket }: Session, { content, from, total = from }: Chunk): Promise<number> {
    const room = await this.#room(bucket, upload);
    demandRoom(total, room, bucket, this.#limits);
    let size = from;
    for await (const part of partsOf(content, PART_BYTES)) {
      demandRoom(size + part.length, room, bucket, this.#limits);
      await this.#client.put(partKey(bucket, upload, size), part);
      size += part.length;
    }
    return size;
  }

  /** Bytes that an upload may still take in its bucket. What other uploads have begun is counted. */
  async #room(bucket: string, upload: string): Promise<number> {
    let room = this.#limits.bucketBytes;
    for await (const { key, size } of this.#client.list(`parts/${bucket}/`)) {
      if (!key.startsWith(partPrefix(bucket, upload))) room -= size;
    }
    return room;
  }

  async #commit(upload: string, { bucket, name, contentType }: Session): Promise<StoredObject> {
    const parts = await this.#parts(bucket, upload);
    const hash = createHash('md5');
    for (const part of parts) for await (const bytes of this.#part(part)) hash.update(bytes);
    const now = this.#now();
    const object: StoredObject = {
      bucket,
      name,
      // Two of one millisecond are told apart; which of them is the later one nobody can say.
      generation: String(BigInt(now) * 1_000_000n + BigInt(randomInt(1_000_000))),
      size: sizeOf(parts),
      contentType,
      md5Hash: hash.digest('base64'),
      timeCreated: new Date(now).toISOString(),
    };
    const key = `objects/${bucket}/${hashOf(name)}/${object.generation}.${upload}`;
    await this.#client.put(key, Buffer.from(JSON.stringify({ object, parts } satisfies Description)));
    return object;
  }

  /** @throws {S3Error} where it is not the one that was written. */
  async *#part({ key, size }: Part): AsyncIterable<Uint8Array> {
    let read = 0;
    for await (const bytes of (await this.#client.get(key)) ?? []) {
      read += bytes.length;
      yield bytes;
    }
    if (read !== size) throw new S3Error('S3_ANSWER', `${key} has ${read} bytes, and had ${size}.`);
  }

  /** The parts of an upload without a gap from its beginning. */
  async #parts(bucket: string, upload: string): Promise<Part[]> {
    const longest = new Map<number, Part>();
    for await (const { key, size } of this.#client.list(partPrefix(bucket, upload))) {
      const from = Number(key.slice(partPrefix(bucket, upload).length).split('-')[0]);
      if (size > (longest.get(from)?.size ?? 0)) longest.set(from, { key, size });
    }
    const parts: Part[] = [];
    for (let from = 0, part = longest.get(0); part; part = longest.get(from)) {
      parts.push(part);
      from += part.size;
    }
    return parts;
  }

  async #drop(bucket: string, upload: string): Promise<void> {
    for await (const { key } of this.#client.list(partPrefix(bucket, upload))) await this.#client.delete(key);
  }

  async #session(upload: string): Promise<Session | undefined> {
    const text = UPLOAD.test(upload) ? await this.#client.getText(sessionKey(upload)) : undefined;
    return text === undefined ? undefined : (JSON.parse(text) as Session);
  }

  /** Where the objects of a bucket are, or those of a name, each name's oldest first. */
  async #places(bucket: string, hash = ''): Promise<Place[]> {
    const places: Place[] = [];
    for await (const { key } of this.#client.list(`objects/${bucket}/${hash && `${hash}/`}`)) {
      const [generation = '', upload = ''] = key.slice(key.lastIndexOf('/') + 1).split('.');
      places.push({ key, generation, upload });
    }
    // Keys come in the order of texts, and generations have one length for centuries.
    return places;
  }

  async #describe({ key }: Place): Promise<Description | undefined> {
    const text = await this.#client.getText(key);
    return text === undefined ? undefined : (JSON.parse(text) as Description);
  }
}

const sessionKey = (upload: string) => `uploads/${upload}`;
const partPrefix = (bucket: string, upload: string) => `parts/${bucket}/${upload}/`;
/** No two have one key: a request that goes on after its client has begun another overwrites nothing. */
const partKey = (bucket: string, upload: string, from: number) =>
  `${partPrefix(bucket, upload)}${String(from).padStart(12, '0')}-${randomBytes(4).toString('hex')}`;

const sizeOf = (parts: readonly Part[]) => parts.reduce((sum, { size }) => sum + size, 0);

function hashOf(name: string): string {
  return createHash('sha256').update(name).digest('hex');
}

/** What clients are told of a store that fails: they may try again. */
async function answered<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof S3Error)) throw error;
    throw new ApiError('UNAVAILABLE', `The store of the sources fails: ${error.message}`, { cause: error });
  }
}
