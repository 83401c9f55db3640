/** A part of an object's content, as it is kept. */
export interface Part {
  key: string;
  /** Bytes. */
  size: number;
}

/** Bytes of parts together. Pure. */
export function sizeOf(parts: readonly Part[]): number {
  return parts.reduce((sum, { size }) => sum + size, 0);
}

/** The parts of an upload from its beginning to where the next one is missing; of several at one place the longest. Pure. */
export function withoutGaps(found: readonly Part[]): Part[] {
  const longest = new Map<number, Part>();
  for (const part of found) {
    const from = Number(part.key.slice(part.key.lastIndexOf('/') + 1).split('-')[0]);
    if (part.size > (longest.get(from)?.size ?? 0)) longest.set(from, part);
  }
  const parts: Part[] = [];
  for (let from = 0, part = longest.get(0); part; part = longest.get(from)) {
    parts.push(part);
    from += part.size;
  }
  return parts;
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
