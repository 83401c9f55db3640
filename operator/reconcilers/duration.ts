/** A time span as Cloud Run writes it: `4s`, `1m52s`, `2h3m4s`; Kubernetes gives whole seconds only. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const parts = [
    [Math.floor(seconds / 3600), 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [seconds % 60, 's'],
  ] as const;
  const first = parts.findIndex(([value]) => value > 0);
  return parts
    .slice(first < 0 ? 2 : first)
    .map(([value, unit]) => `${value}${unit}`)
    .join('');
}

/** The least of the times that there are. */
export function earliest(...times: (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length > 0 ? Math.min(...known) : undefined;
}
