/** A time in milliseconds since 1970 as objects carry it: RFC 3339, to the second (Kubernetes API conventions, Units). */
export function timestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
