/** Waits for `done`, at most `limitMs`. */
export async function within(limitMs: number, done: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs);
  });
  await Promise.race([done, limit]);
  clearTimeout(timer);
}
