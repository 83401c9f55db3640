import { createHash, randomInt, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { compareTexts } from '../../../kube/json.ts';
import { ApiError } from '../../errors.ts';
import { demandRoom, demandWhole } from '../room.ts';
import type { Chunk, ObjectName, ObjectStore, Session, StoredObject, StoreLimits } from '../store.ts';
import { answered, asAnswer, sweepable } from './answered.ts';
import type { S3Client } from './client.ts';
import { S3Error } from './errors.ts';
import {
  hashOf,
  isUpload,
  objectKey,
  objectPrefix,
  type Place,
  partKey,
  partPrefix,
  placeOf,
  sessionKey,
} from './layout.ts';
import { type Part, partsOf, sizeOf, withoutGaps } from './parts.ts';

/** What is sent at once, and so what an upload takes of memory. */
const PART_BYTES = 8 << 20;
/** Descriptions that are read at once. */
const READS = 16;
/** Descriptions that are kept, of half a kilobyte each. */
const MOST_DESCRIPTIONS = 20_000;

/** What is kept of an object: itself, and the keys of its content in their order. */
interface Description {
  object: StoredObject;
  parts: readonly Part[];
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
  /** By their keys: what stands at a key never changes. Those read longest ago go first. */
  readonly #descriptions = new Map<string, Description>();

  constructor(client: S3Client, limits: StoreLimits, now: () => number = Date.now) {
    this.#client = client;
    this.#limits = limits;
    this.#now = now;
  }

  async put(session: Session, content: AsyncIterable<Uint8Array>): Promise<StoredObject> {
    return answered(async () => {
      const upload = randomUUID();
      try {
        const size = await this.#write(upload, session, { content, from: 0 });
        return await this.#commit(upload, session, size);
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
    try {
      const places = await this.#places(bucket, hashOf(name));
      const place = places.find((each) => each.generation === generation);
      const description = place && (await this.#describe(place));
      if (!description) throw new ApiError('NOT_FOUND', `Object '${name}' of bucket '${bucket}' is gone.`);
      for (const part of description.parts) yield* this.#part(part);
    } catch (error) {
      throw asAnswer(error);
    }
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
      for (const { key } of gone) await this.#client.delete(key);
      // An upload that was ended twice has become two generations of the same parts.
      const kept = new Set(places.filter((each) => !gone.includes(each)).map(({ upload }) => upload));
      for (const { upload } of gone) if (!kept.has(upload)) await this.#drop(bucket, upload);
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
      const object = await this.#commit(upload, session, size);
      await sweepable(() => this.#client.delete(sessionKey(upload)));
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
      for await (const { key } of this.#client.list('objects/')) needed.add(placeOf(key).upload);
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

  /** @param size that the upload has for the request that ends it. */
  async #commit(upload: string, session: Session, size: number): Promise<StoredObject> {
    const { bucket, name, contentType } = session;
    const parts = await this.#parts(bucket, upload);
    demandWhole(sizeOf(parts), size);
    const hash = createHash('md5');
    for (const part of parts) for await (const bytes of this.#part(part)) hash.update(bytes);
    const now = this.#now();
    const object: StoredObject = {
      bucket,
      name,
      // Two of one millisecond are told apart; which of them is the later one nobody can say.
      generation: String(BigInt(now) * 1_000_000n + BigInt(randomInt(1_000_000))),
      size,
      contentType,
      md5Hash: hash.digest('base64'),
      timeCreated: new Date(now).toISOString(),
    };
    const key = objectKey(object, upload);
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

  /** See {@link withoutGaps}. */
  async #parts(bucket: string, upload: string): Promise<Part[]> {
    const found: Part[] = [];
    for await (const { key, size } of this.#client.list(partPrefix(bucket, upload)))
      found.push({ key, size });
    return withoutGaps(found);
  }

  #drop(bucket: string, upload: string): Promise<void> {
    return sweepable(async () => {
      for await (const { key } of this.#client.list(partPrefix(bucket, upload)))
        await this.#client.delete(key);
    });
  }

  async #session(upload: string): Promise<Session | undefined> {
    return isUpload(upload) ? this.#readJson<Session>(sessionKey(upload), 'bucket') : undefined;
  }

  /** Where the objects of a bucket are, or those of a name, each name's oldest first. */
  async #places(bucket: string, hash = ''): Promise<Place[]> {
    const places: Place[] = [];
    for await (const { key } of this.#client.list(objectPrefix(bucket, hash))) places.push(placeOf(key));
    // Keys come in the order of texts, and generations have one length for centuries.
    return places;
  }

  async #describe({ key }: Place): Promise<Description | undefined> {
    const known = this.#descriptions.get(key);
    if (known) return known;
    const description = await this.#readJson<Description>(key, 'object');
    if (description) this.#descriptions.set(key, description);
    if (this.#descriptions.size > MOST_DESCRIPTIONS)
      this.#descriptions.delete(this.#descriptions.keys().next().value as string);
    return description;
  }

  /**
   * What was written as JSON; undefined where there is nothing.
   * @param field one that it has.
   * @throws {S3Error} where it is not what was written.
   */
  async #readJson<T extends object>(key: string, field: keyof T): Promise<T | undefined> {
    const text = await this.#client.getText(key);
    if (text === undefined) return undefined;
    try {
      const read = JSON.parse(text) as T | null;
      if (read?.[field] !== undefined) return read;
    } catch {
      // It says no more than that it is no JSON.
    }
    throw new S3Error('S3_ANSWER', `${key} is not as it was written.`);
  }
}
