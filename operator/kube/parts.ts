/** Bytes of the longest text that is put together in the buffer of all. */
const MOST_SHARED = 1 << 20;
let shared = Buffer.alloc(0);

/**
 * The parts in one buffer, which is valid until the next call: up to a megabyte it is the same one. With one for each text
 * V8 would collect all objects every few texts, as it counts buffers for memory to win back.
 */
export function joined(parts: readonly Buffer[]): Buffer {
  const [first] = parts;
  if (first && parts.length === 1) return first;
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  if (length > MOST_SHARED) return Buffer.concat(parts, length);
  if (length > shared.length) shared = Buffer.allocUnsafeSlow(length);
  let at = 0;
  for (const part of parts) at += part.copy(shared, at);
  return shared.subarray(0, length);
}
