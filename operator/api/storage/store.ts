/** An object as it is kept: it never changes, one of the same name is another generation. */
export interface StoredObject {
  bucket: string;
  name: string;
  /** Digits; the later one is the greater. */
  generation: string;
  size: number;
  contentType: string;
  /** MD5 of the content in base64 (Cloud Storage JSON API, Objects: md5Hash). */
  md5Hash: string;
  /** RFC 3339. */
  timeCreated: string;
}

/** What names an object: its newest generation, or the one that is said. */
export interface ObjectName {
  bucket: string;
  name: string;
  generation?: string;
}

/** What a store takes at most. */
export interface StoreLimits {
  /** Bytes of one object. */
  objectBytes: number;
  /** Bytes of all objects of one bucket. */
  bucketBytes: number;
}

/** An upload in several requests. */
export interface Session {
  bucket: string;
  name: string;
  contentType: string;
}

/** Part of an upload. */
export interface Chunk {
  content: AsyncIterable<Uint8Array>;
  /** Where it begins, in bytes. */
  from: number;
  /** Bytes of the whole object; undefined while that is not known. */
  total?: number;
}

/**
 * Where objects are kept. Nothing of an object is to be seen before all of it is there, whatever ends in between. Errors
 * are ApiErrors: RESOURCE_EXHAUSTED for what is beyond the limits, INVALID_ARGUMENT for a part that does not fit.
 */
export interface ObjectStore {
  put(object: Session, content: AsyncIterable<Uint8Array>): Promise<StoredObject>;
  get(name: ObjectName): Promise<StoredObject | undefined>;
  read(object: StoredObject): AsyncIterable<Uint8Array>;
  /** The newest generations, or all, by their names. */
  list(bucket: string, all?: boolean): Promise<StoredObject[]>;
  /** Whether there was one. Without a generation all of them go. */
  delete(name: ObjectName): Promise<boolean>;
  /** Buckets with objects. */
  buckets(): Promise<string[]>;
  /** Begins an upload; gives the name that later requests have for it. */
  begin(session: Session): Promise<string>;
  /** What an upload has so far; undefined where there is none of that name. */
  progress(upload: string): Promise<(Session & { received: number }) | undefined>;
  /** Adds a part; gives the object once its last byte is there. */
  append(upload: string, chunk: Chunk): Promise<StoredObject | undefined>;
  /** Removes what uploads that were never finished have left, before a time in ms since 1970. */
  sweep(before: number): Promise<void>;
}
