import { RUN } from '../../../apis/annotations/run.ts';
import { contentHash, deepEqual } from '../../../kube/json.ts';
import { type Lens, locate, type Path, readAll, setAt, valueAt, writeAll } from './lens.ts';
import type { Code, Context, Fields } from './value.ts';

const FULL_NAME = /^projects\/[^/]+\/secrets\/([^/]+)$/;

/**
 * A secret: v2 writes `projects/PROJECT/secrets/SECRET` for one in another project, v1 an alias that an annotation of
 * the template declares (API reference v2, SecretKeySelector; v1, SecretKeySelector: name).
 */
export const SECRET: Code = {
  read: (stored, { aliases }) => aliases.get(stored as string) ?? (stored || undefined),
  write: (value, { aliases }) => {
    const name = value as string;
    if (!FULL_NAME.test(name)) return name;
    const known = [...aliases].find(([, full]) => full === name)?.[0];
    // Not the name of the secret: the same name without a project is another secret.
    const alias = known ?? `secret-${contentHash(name)}`;
    aliases.set(alias, name);
    return alias;
  },
};

/** Lenses that meet secrets, with the aliases that the annotation of these annotations' holder declares. */
export function withAliases(metadata: Path, ...lenses: Lens[]): Lens {
  const path = [...metadata, 'annotations', RUN.secrets];
  const scope = (stored: Fields, context: Context): Context => ({
    ...context,
    aliases: parseAliases(valueAt(stored, path) as string | undefined),
  });
  return {
    fields: lenses.flatMap(({ fields }) => fields),
    locate: (found) => locate(lenses, found),
    read(stored, message, context) {
      Object.assign(message, readAll(lenses, stored, scope(stored, context)));
    },
    write(message, stored, context, parent) {
      const inner = scope(stored, context);
      const before = new Map(inner.aliases);
      writeAll(lenses, message, stored, inner, parent);
      if (deepEqual([...before], [...inner.aliases])) return;
      setAt(stored, path, [...inner.aliases].map(([alias, name]) => `${alias}:${name}`).join(','));
    },
  };
}

function parseAliases(text = ''): Map<string, string> {
  const entries = text.split(',').map((entry) => entry.trim());
  return new Map(
    entries
      .filter((entry) => entry.includes(':'))
      .map((entry) => {
        const colon = entry.indexOf(':');
        return [entry.slice(0, colon), entry.slice(colon + 1)] as const;
      }),
  );
}
