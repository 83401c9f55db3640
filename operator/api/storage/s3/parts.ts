/** A part of an object's content, as it is kept. */
export interface Part {
  key: string;
  /** Bytes. */
  size: number;
}

/** The content in pieces of `size` bytes, and what is left at its end. No more than one is in memory, and a chunk of the content. */
export async function* partsOf(content: AsyncIterable<Uint8Array>, size: number): AsyncIterable<Uint8Array> {
  let pending: Uint8Array[] = [];
  let bytes = 0;
  for await (let chunk of content) {
    while (bytes + chunk.length >= size) {
      yield Buffer.concat([...pending, chunk.subarray(0, size - bytes)]);
      chunk = chunk.subarray(size - bytes);
      [pending, bytes] = [[], 0];
    }
    pending.push(chunk);
    bytes += chunk.length;
  }
  if (bytes > 0) yield Buffer.concat(pending);
}
