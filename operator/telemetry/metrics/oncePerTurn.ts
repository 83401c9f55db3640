/**
 * A source that is read once in a turn of the event loop: all series are collected in one, and thousands of revisions need
 * not be read for each.
 */
export function oncePerTurn<T extends object>(read: () => T): () => T {
  let kept: T | undefined;
  return () => {
    if (kept) return kept;
    kept = read();
    setImmediate(() => {
      kept = undefined;
    });
    return kept;
  };
}
