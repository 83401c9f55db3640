import { FieldValueError, field, type Lens, list, type Path, setAt, shown } from './lens.ts';
import type { Fields } from './value.ts';

/** Whom a share goes to: v2 has a type and a revision, v1 `latestRevision` or `revisionName`. */
function target(prefix: string): Lens {
  const types = { latest: `${prefix}_LATEST`, revision: `${prefix}_REVISION` };
  const read = (stored: Fields) =>
    stored.revisionName && stored.latestRevision !== true
      ? { type: types.revision, revision: stored.revisionName }
      : { type: types.latest, ...(stored.revisionName ? { revision: stored.revisionName } : {}) };
  return {
    fields: ['type', 'revision'],
    locate: ([key]) => (key === 'revisionName' ? 'revision' : key === 'latestRevision' ? 'type' : undefined),
    read: (stored, message) => Object.assign(message, read(stored)),
    write(message, stored, _context, path) {
      const { revision, type = revision ? types.revision : types.latest } = message;
      if ((type === types.revision) !== Boolean(revision)) {
        const problem = revision
          ? `must be unset with type ${types.latest}`
          : `must be set with type ${types.revision}`;
        throw new FieldValueError(`${path}.revision`, problem);
      }
      const current = Object.keys(stored).length > 0 ? read(stored) : undefined;
      if (current && current.type === type && current.revision === revision) return;
      setAt(stored, ['revisionName'], revision);
      setAt(stored, ['latestRevision'], !revision);
    },
  };
}

/** A list of shares as clients write it. */
export function shares(name: string, path: Path, prefix: string): Lens {
  return list(name, path, undefined, target(prefix), field('percent', ['percent']), field('tag', ['tag']));
}

/** A list of shares as it is. */
export function shareStatuses(name: string, path: Path, prefix: string): Lens {
  const written = list(
    name,
    path,
    undefined,
    target(prefix),
    shown('percent', ['percent']),
    shown('tag', ['tag']),
    shown('uri', ['url']),
  );
  return { fields: written.fields, read: written.read };
}
