/** What becomes of a flag: where in the object it is found, or what gcloud prints. */
export type Outcome =
  | {
      result: 'works' | 'warned';
      /** Of the object as the cluster has it; `policy` is its policy, `executions` those of a job. */
      path: string;
      /** Undefined for what is not there. */
      value: unknown;
    }
  | { result: 'works' | 'refused'; prints: RegExp; note: string };

/** A command with flags that go together, and what becomes of each of them. */
export interface FlagCase {
  command: string;
  outcomes: Readonly<Record<string, Outcome>>;
}

/** A flag that has an effect: `value` is at `path`. */
export const sets = (path: string, value: unknown): Outcome => ({ result: 'works', path, value });

/** A flag that takes away what is at `path`. */
export const clears = (path: string): Outcome => sets(path, undefined);

/** A flag that is kept and has no effect in a cluster, which the answer warns of. */
export const warned = (path: string, value: unknown): Outcome => ({ result: 'warned', path, value });

/** A flag that shows in what gcloud prints alone. */
export const prints = (pattern: RegExp, note: string): Outcome => ({
  result: 'works',
  prints: pattern,
  note,
});

/** A flag that ends the command with an error. */
export const refused = (pattern: RegExp, note: string): Outcome => ({
  result: 'refused',
  prints: pattern,
  note,
});

/** What is at a path such as `spec.containers[0].env` or `metadata.annotations[run.googleapis.com/ingress]`. */
export function at(object: unknown, path: string): unknown {
  const keys = [...path.matchAll(/\[([^\]]*)\]|([^.[\]]+)/g)].map(([, key, name]) => key ?? name ?? '');
  return keys.reduce<unknown>((inner, key) => (inner as Record<string, unknown> | undefined)?.[key], object);
}
