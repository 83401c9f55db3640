import { ApiError } from '../errors.ts';

/** An upload in one request (Cloud Storage JSON API, Multipart uploads; RFC 2387): its metadata, then its content. */
export interface Related {
  metadata: Buffer;
  /** What the content is said to be. */
  contentType?: string;
  /** To be read to its end; it fails where the body ends before it. */
  content: AsyncIterable<Uint8Array>;
}

/** The heads of parts, and the metadata. */
const LONGEST_HEAD = 64 << 10;
const NONE = Buffer.alloc(0);

/**
 * Reads the metadata of such a body. Lines may end with a line feed alone, and the boundary stand in single quotes: gcloud
 * sends both.
 * @throws {ApiError} INVALID_ARGUMENT for what is no such body.
 */
export async function readRelated(body: AsyncIterable<Uint8Array>, contentType: string): Promise<Related> {
  const [, double, single, plain] =
    /;\s*boundary=(?:"([^"]{1,70})"|'([^';"]{1,70})'|([^\s;"']{1,70}))/i.exec(contentType) ?? [];
  const boundary = double ?? single ?? plain;
  if (!boundary) throw invalid('the header Content-Type names no boundary');
  const source = new Source(body);
  await source.until(`--${boundary}`, LONGEST_HEAD);
  const end = (await source.until('\n', LONGEST_HEAD)).toString() === '\r' ? '\r\n' : '\n';
  await source.until(`${end}${end}`, LONGEST_HEAD);
  const metadata = await source.until(`${end}--${boundary}`, LONGEST_HEAD);
  const head = (await source.until(`${end}${end}`, LONGEST_HEAD)).toString();
  const [, type] = /^content-type:[ \t]*(\S+)/im.exec(head) ?? [];
  return { metadata, contentType: type, content: source.through(`${end}--${boundary}`) };
}

/** Reads a body up to the next mark, and keeps what came after it. */
class Source {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Buffer = NONE;

  constructor(body: AsyncIterable<Uint8Array>) {
    this.#chunks = body[Symbol.asyncIterator]();
  }

  /** What comes before the next `mark`, which is left out. */
  async until(mark: string, longest: number): Promise<Buffer> {
    for (;;) {
      const at = this.#rest.indexOf(mark);
      if (at >= 0) {
        const before = this.#rest.subarray(0, at);
        this.#rest = this.#rest.subarray(at + mark.length);
        return before;
      }
      if (this.#rest.length > longest) throw invalid('a part has too long a head');
      this.#rest = Buffer.concat([this.#rest, await this.#next()]);
    }
  }

  /** The same in pieces, of any length; what follows is read and thrown away. */
  async *through(mark: string): AsyncGenerator<Uint8Array> {
    for (;;) {
      const at = this.#rest.indexOf(mark);
      if (at >= 0) {
        yield this.#rest.subarray(0, at);
        break;
      }
      // A mark may have begun.
      const sure = Math.max(0, this.#rest.length - mark.length + 1);
      if (sure > 0) yield this.#rest.subarray(0, sure);
      this.#rest = Buffer.concat([this.#rest.subarray(sure), await this.#next()]);
    }
    while (!(await this.#chunks.next()).done);
  }

  async #next(): Promise<Uint8Array> {
    const { value, done } = await this.#chunks.next();
    if (done) throw invalid('it ends before its last part does');
    return value;
  }
}

function invalid(why: string): ApiError {
  return new ApiError('INVALID_ARGUMENT', `The body is no multipart/related: ${why}.`);
}
